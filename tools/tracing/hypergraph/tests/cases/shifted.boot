VM 100
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          2          0          2
start     0.000000        0.000          2          3          7
start     0.000001        0.000          1          1          3
start     0.000001        0.000          1          0          2

hottest in start:
         1 calls  50.0%  0xffffffff9f000100
         1 calls  50.0%  0xffffffffc0000200

hottest in start:
         1 calls  14.3%  0xffffffff81000300
         1 calls  28.6%  0xffffffffde000204

hottest in start:
         1 calls  66.7%  do_syscall_64

hottest in start:
         1 calls  50.0%  vfs_write

to leave out 28.6% of all events:
ftrace_notrace=do_syscall_64,vfs_write
