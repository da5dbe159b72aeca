# SPDX-License-Identifier: LGPL-2.1-or-later
# What makes system calls fail (run here tells how it is used). It is loaded into the worker by tests, and no part of what is installed.
if FAILPOINTS
noinst_DATA = tests/faults/inject.so
CLEANFILES += tests/faults/inject.so
endif

tests/faults/inject.so: tests/faults/inject.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(CC) -std=gnu17 -Wall -Wextra -Werror -O1 -fPIC -shared -o $@ $<

EXTRA_DIST += tests/faults/failpoints.py tests/faults/full.py tests/faults/README.md tests/faults/images.py tests/faults/inject.c tests/faults/invariants.py tests/faults/operations.py tests/faults/run \
	tests/faults/sweep.py
