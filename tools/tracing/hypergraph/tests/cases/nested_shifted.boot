VM 100
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          1          0          1
start     0.000000        0.000          1          0          2

hottest in start:
         1 calls 100.0%  0xffffffff9f000100

hottest in start:
         1 calls  50.0%  ksys_write

to leave out 33.3% of all events:
ftrace_notrace=ksys_write

VM 100, nested vCPU n0 (nested_vcpu=0xa0)
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          1          1          2
start     0.000000        0.000          1          0          2
start     0.000000        0.000          1          0          2

hottest in start:
         1 calls  50.0%  0xffffffffa0000300

hottest in start:
         1 calls  50.0%  mutex_lock

hottest in start:
         1 calls  50.0%  schedule

to leave out 33.3% of all events:
ftrace_notrace=mutex_lock,schedule

VM 100, nested vCPU n1 (nested_vcpu=0xa1)
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          1          0          1
start     0.000000        0.000          2          0          3

hottest in start:
         1 calls 100.0%  0xffffffffa1000300

hottest in start:
         1 calls  33.3%  mutex_lock
         1 calls  33.3%  schedule

to leave out 50.0% of all events:
ftrace_notrace=mutex_lock,schedule

VM 100, nested vCPU n2 (nested_vcpu=0xa2)
level     began, s   lasted, ms      calls    returns     events
start     0.000000        0.000          2          1          3

hottest in start:
         1 calls  66.7%  0xffffffff81000400
         1 calls  33.3%  0xffffffffa0000300
