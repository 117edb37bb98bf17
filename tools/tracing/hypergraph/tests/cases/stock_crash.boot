VM 101
level       began, s   lasted, ms      calls    returns     events
start       0.000000        0.004          2          0          4
start       0.000004        0.000          0          0          1
console     0.000004        0.000          1          1          4
user        0.000004        0.000          1          0          4

hottest in start:
         1 calls  25.0%  do_syscall_64
         1 calls  25.0%  vfs_write

hottest in console:
         1 calls  50.0%  vfs_write

hottest in user:
         1 calls  25.0%  do_syscall_64

to leave out 38.5% of all events:
ftrace_notrace=vfs_write,do_syscall_64
