VM 100
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.001          4          3          9
start     0.000001        0.000          1          1          3
start     0.000001        0.000          1          0          2

hottest in start:
         1 calls  11.1%  0xffffffff81000300
         1 calls  22.2%  do_syscall_64
         1 calls  22.2%  0xffffffffc0000200
         1 calls  22.2%  0xffffffffde000204

hottest in start:
         1 calls  66.7%  do_syscall_64

hottest in start:
         1 calls  50.0%  vfs_write

to leave out 35.7% of all events:
ftrace_notrace=do_syscall_64,vfs_write
