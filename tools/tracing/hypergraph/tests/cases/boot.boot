VM 100
level                              began, s   lasted, ms      calls    returns     events
start                              0.000000        1.000          1          1          4
early                              0.001000        1.000          9          5         16
a level with quite a long name     0.002000     1001.000          1          2          4
user                               1.003000        0.500          0          0          2

hottest in start:
         1 calls  50.0%  do_syscall_64

hottest in early:
         2 calls  25.0%  vfs_write
         2 calls  25.0%  mutex_lock
         1 calls   6.2%  ksys_write
         1 calls  12.5%  mutex_lock
         1 calls   6.2%  schedule

hottest in a level with quite a long name:
         1 calls  50.0%  virtqueue_kick [virtio_ring]

to leave out 65.4% of all events:
ftrace_notrace=vfs_write,mutex_lock,do_syscall_64,ksys_write,schedule,native_write_msr,handle_irq
