# SPDX-License-Identifier: LGPL-2.1-or-later
dist_polkitactions_DATA = polkit/org.sysconsd1.policy
polkitactionsdir = @polkitactionsdir@

# Not installed where polkitd reads: an administrator copies what fits.
examplesdir = $(docdir)/examples
dist_examples_DATA = polkit/50-sysconsd-example.rules
