VM 100
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          0          0          1
fs        0.000000        0.000          0          3          4

hottest in fs:
         2 returns  50.0%  vfs_write
         1 returns  25.0%  ksys_write

to leave out 60.0% of all events:
ftrace_notrace=vfs_write,ksys_write

VM 200
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          0          0          1
fs        0.000000        0.000          0          1          2

hottest in fs:
         1 returns  50.0%  handle_irq

to leave out 33.3% of all events:
ftrace_notrace=handle_irq
