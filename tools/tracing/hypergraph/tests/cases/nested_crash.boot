VM 100, nested vCPU n0 (nested_vcpu=0xa0)
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.002          2          0          8

hottest in start:
         1 calls  12.5%  do_syscall_64
         1 calls  12.5%  ksys_write

to leave out 25.0% of all events:
ftrace_notrace=do_syscall_64,ksys_write

VM 100, nested vCPU n1 (nested_vcpu=0xa1)
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.002          2          0          3

hottest in start:
         1 calls  33.3%  mutex_lock
         1 calls  33.3%  schedule

to leave out 66.7% of all events:
ftrace_notrace=mutex_lock,schedule

VM 200
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.002          1          0          4

hottest in start:
         1 calls  25.0%  schedule

to leave out 25.0% of all events:
ftrace_notrace=schedule

VM 200, nested vCPU n2 (nested_vcpu=0xa0)
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          1          0          2

hottest in start:
         1 calls  50.0%  vfs_write

to leave out 50.0% of all events:
ftrace_notrace=vfs_write
