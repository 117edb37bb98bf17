# SPDX-License-Identifier: GPL-2.0
# See README.  Everything that is made goes below out/.

BASE ?= 7.3
KSRC ?=
CPU ?= amd
EMU ?= $(if $(filter intel,$(CPU)),bochs,qemu)

# Its dollars are a regular expression's, not make's.
override TESTS := $(value TESTS)

export KSRC KVM_UNIT_TESTS TESTS

out := $(CURDIR)/out
# A tree of the user's own has its builds to itself.
base := $(out)/$(BASE)$(if $(KSRC),-ksrc)
kernel := $(base)/hypergraph/build$(if $(KCONFIG),-$(basename $(notdir $(KCONFIG))))
stock := $(base)/stock/build
tool := $(out)/tool/hypergraph

# Make and its recipes say nothing but what the scripts have to say.
MAKEFLAGS += --no-print-directory
.SILENT:

.PHONY: help
help:
	echo "make demo         record a guest's kernel on its host, and report it"
	echo "make demo-nested  the same of a nested guest, on its guest's host"
	echo "make check        the tests: half an hour"
	echo "                  TESTS=regex     those suites and tests that it matches"
	echo "                  CPU=intel       those for both vendors' hosts, on Intel"
	echo "make check-debug  guests and hosts whose kernels find bugs of memory, locks,"
	echo "                  context (KASAN, lockdep) and data races (KCSAN): an hour"
	echo "make check-kvm    KVM's own selftests on hosts without and with this series, and"
	echo "                  with KVM_UNIT_TESTS=dir some of that checkout's: 40 minutes"
	echo "                  CPU=intel       those about nested guests"
	echo "                  TESTS=regex     those that match"
	echo "make check-ftrace ftrace's own selftests on hosts and in guests, without and with"
	echo "                  this series: an hour, or half of that while stock's results are"
	echo "                  those of an earlier run; TESTS=regex"
	echo "make fuzz         the tool's commands, and its reader alone, with libFuzzer: an hour"
	echo "                  MINUTES=60      half of that time for each"
	echo "make bench        what exits and traced calls cost, counted in instructions"
	echo "make tool         the tool, in out/tool"
	echo "make kernel       the kernel, in out/$(BASE)/hypergraph/build"
	echo "make install      the tool, its manual pages and plugin; PREFIX=/usr/local, DESTDIR="
	echo "make deb          the same as a Debian package, in out/tool"
	echo "make vm           an interactive host; 'guest SCRIPT' in it boots a guest"
	echo "                  RUN=script      run a script there instead, return its status"
	echo "                  SHARE=dir       show a directory in it, and in guests, as /share"
	echo "                  ICOUNT=1        the deterministic clock: time goes by instructions"
	echo "                  CPU=intel       a host with Intel's VMX, in Bochs; needs RUN"
	echo "                  EMU=bochs       Bochs for AMD's SVM too; needs RUN, has ICOUNT always"
	echo "                  KCONFIG=file    a config fragment over vm/build/kernel.config"
	echo "                  STOCK=1         a host without this series; guests have it"
	echo "make clean        remove out/"
	echo
	echo "BASE=$(BASE)          the kernel to build on: one of $(notdir $(wildcard patches/*))"
	echo "KSRC=dir          build on this kernel tree, with patches/BASE"

.PHONY: packages
packages:
	vm/build/packages

.PHONY: source
source: packages
	vm/build/base $(BASE) $(base)
	vm/build/tree $(BASE) $(base)

.PHONY: kernel
kernel: source
	vm/build/kernel $(base) hypergraph $(KCONFIG)

.PHONY: stock-kernel
stock-kernel: source
	vm/build/kernel $(base) stock $(KCONFIG)

.PHONY: tool
tool: packages
	+$(MAKE) -s -C tools/tracing/hypergraph O=$(out)/tool

.PHONY: install deb
install deb: tool
	+$(MAKE) -s -C tools/tracing/hypergraph O=$(out)/tool VERSION=$(BASE) $@

MINUTES ?= 60

.PHONY: fuzz
fuzz: tool
	vm/build/packages fuzz
	+$(MAKE) -s -C tools/tracing/hypergraph O=$(out)/tool fuzz
	vm/check/fuzz $(out)/tool $(MINUTES)

.PHONY: check-packages
check-packages: packages
	vm/build/packages check

.PHONY: bochs
bochs: packages
	vm/build/packages bochs
	vm/machine/bochs-build $(out)

ifeq ($(filter amd-qemu amd-bochs intel-bochs,$(CPU)-$(EMU)),)
$(error CPU=$(CPU) EMU=$(EMU): QEMU emulates CPU=amd, Bochs CPU=amd and CPU=intel)
endif
ifneq ($(and $(filter bochs,$(EMU)),$(filter vm,$(MAKECMDGOALS))),)
$(if $(RUN),,$(error Bochs has no terminal for a shell: give it RUN=script))
endif

# make by itself would answer 2 for any status of RUN but 0.
ifneq ($(and $(RUN),$(filter vm,$(MAKECMDGOALS))),)
EXIT_STATUS_FILE := $(out)/vm/exit-status
-load $(out)/exit_status.so

$(out)/exit_status.so: vm/build/exit-status.c | packages
	mkdir -p $(out)
	gcc -Wall -Wextra -O2 -shared -fPIC -o $@ $<
endif

host := $(if $(STOCK),$(stock)$(if $(KCONFIG),-$(basename $(notdir $(KCONFIG)))),$(kernel))

# The tool with all that belongs to it, and its libraries, for the host of make vm
vm_files := $(out)/vm/files

.PHONY: vm-files
vm-files: tool
	rm -rf $(vm_files)
	+$(MAKE) -s -C tools/tracing/hypergraph O=$(out)/tool install \
		PREFIX=/usr DESTDIR=$(vm_files)
	vm/machine/copy-program $(vm_files) $(out)/tool/hypergraph >/dev/null

.PHONY: vm
vm: kernel vm-files $(if $(STOCK),stock-kernel) $(filter bochs,$(EMU))
	vm/machine/run --emulator $(EMU) --cpu $(CPU) --build $(host) --guest-build $(kernel) \
		--host-files $(vm_files) $(if $(RUN),--script "$(RUN)") $(if $(SHARE),--share "$(SHARE)") \
		$(if $(ICOUNT),--icount) \
		$(if $(RUN),|| { status=$$?; echo $$status >$(EXIT_STATUS_FILE); exit $$status; })

.PHONY: demo
demo: kernel tool
	vm/demo/run $(kernel) $(tool)

.PHONY: demo-nested
demo-nested: kernel tool
	vm/demo/run $(kernel) $(tool) nested

.PHONY: check
check: check-packages
	needs=$$(vm/check/all --needs $(CPU)) && $(MAKE) $$needs
	vm/check/all $(base) $(out)/tool $(CPU)

kvm_config := $(CURDIR)/vm/build/kvm-suites.config

.PHONY: check-kvm
check-kvm: check-packages source $(filter bochs,$(EMU))
	vm/build/kernel $(base) stock $(kvm_config)
	vm/build/kernel $(base) hypergraph $(kvm_config)
	vm/check/kvm $(base) $(CPU)

ftrace_config := $(CURDIR)/vm/build/ftrace-suites.config

.PHONY: check-ftrace
check-ftrace: check-packages source
	vm/build/kernel $(base) stock $(ftrace_config)
	vm/build/kernel $(base) hypergraph $(ftrace_config)
	vm/check/ftrace $(base) $(ftrace_config)

.PHONY: bench
bench: check-packages kernel stock-kernel bochs
	vm/check/bench $(base) $(BASE) $(out)/bench.json

debug_configs := $(CURDIR)/vm/build/debug.config $(CURDIR)/vm/build/kcsan.config

.PHONY: check-debug
check-debug: kernel
	for config in $(debug_configs); do \
		vm/build/kernel $(base) hypergraph $$config || exit; \
	done
	vm/check/debug $(base) $(debug_configs)

.PHONY: clean
clean:
	rm -rf $(out)
