VM 100
level       began, s   lasted, ms      calls    returns     events
start       0.000000        0.001          1          0          1
start       0.000001        0.999          0          1          2
console     0.001000        3.000          0          0          1
early       0.004000        0.002          1          1          3

hottest in start:
         1 calls 100.0%  0xffffffff81000100

hottest in early:
         1 calls  66.7%  mutex_lock

to leave out 42.9% of all events:
ftrace_notrace=mutex_lock,do_syscall_64

VM 100, nested vCPU n0 (nested_vcpu=0x1a2b)
level       began, s   lasted, ms      calls    returns     events
start       0.000000        0.001          1          0          1
start       0.000001        0.999          0          1          2
console     0.001000        2.000          1          0          2
early       0.003000        0.000          0          0          1

hottest in start:
         1 calls 100.0%  0xffffffffa0000200

hottest in console:
         1 calls  50.0%  vfs_write

to leave out 33.3% of all events:
ftrace_notrace=ksys_write,vfs_write

VM 100, nested vCPU n1 (nested_vcpu=0x1a2c)
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          1          0          1

hottest in start:
         1 calls 100.0%  0xffffffff81000301
