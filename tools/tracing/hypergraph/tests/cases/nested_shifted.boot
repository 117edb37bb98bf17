VM 100
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          2          0          3

hottest in start:
         1 calls  33.3%  do_syscall_64
         1 calls  33.3%  ksys_write

to leave out 66.7% of all events:
ftrace_notrace=do_syscall_64,ksys_write

VM 100, nested vCPU n0 (nested_vcpu=0xa0)
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          2          1          4
start     0.000000        0.000          1          0          2

hottest in start:
         1 calls  25.0%  vfs_write
         1 calls  25.0%  mutex_lock

hottest in start:
         1 calls  50.0%  schedule

to leave out 66.7% of all events:
ftrace_notrace=ksys_write,vfs_write,mutex_lock,schedule

VM 100, nested vCPU n1 (nested_vcpu=0xa1)
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          3          0          4

hottest in start:
         1 calls  25.0%  vfs_write
         1 calls  25.0%  mutex_lock
         1 calls  25.0%  schedule

to leave out 75.0% of all events:
ftrace_notrace=vfs_write,mutex_lock,schedule

VM 100, nested vCPU n2 (nested_vcpu=0xa2)
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          2          1          3

hottest in start:
         1 calls  66.7%  0xffffffff81000400
         1 calls  33.3%  0xffffffffa0000300
