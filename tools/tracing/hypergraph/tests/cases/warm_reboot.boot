VM 100
level       began, s   lasted, ms      calls    returns     events
start       0.000000        0.004          3          0          9
start       0.000004        0.000          1          0          3
console     0.000004        0.000          1          3          9

hottest in start:
         1 calls  11.1%  do_syscall_64
         1 calls  11.1%  schedule
         1 calls  11.1%  handle_irq

hottest in start:
         1 calls  33.3%  vfs_write

hottest in console:
         1 calls  33.3%  vfs_write

to leave out 38.1% of all events:
ftrace_notrace=vfs_write,do_syscall_64,mutex_lock,schedule,handle_irq
