VM 86
level     began, s   lasted, ms      calls    returns     events
start     0.000000      192.740         67         67        141

hottest in start:
         3 calls   4.3%  ext4_inode_journal_mode
         2 calls   2.8%  up_write
         2 calls   2.8%  file_check_and_advance_wb_err
         2 calls   2.8%  folio_unlock
         2 calls   2.8%  folio_wait_stable

to leave out 25.5% of all events:
ftrace_notrace=ext4_inode_journal_mode,up_write,file_check_and_advance_wb_err,folio_unlock,folio_wait_stable,ext4_meta_trans_blocks,down_write,__sysvec_apic_timer_interrupt,irq_enter_rcu,irq_exit_rcu
