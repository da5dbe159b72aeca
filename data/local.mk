# SPDX-License-Identifier: LGPL-2.1-or-later
systemdsystemunit_DATA = data/sysconsd.service data/sysconsd-recover.service data/sysconsd-settle.service
systemdsystemunitdir = @systemdsystemunitdir@
EXTRA_DIST += data/sysconsd.service.in data/sysconsd-recover.service.in data/sysconsd-settle.service.in data/sysconsd.conf
CLEANFILES += $(systemdsystemunit_DATA)

systemduserunit_DATA = data/user/sysconsd.service data/user/sysconsd-recover.service data/user/sysconsd-settle.service
systemduserunitdir = @systemduserunitdir@
EXTRA_DIST += data/user/sysconsd.service.in data/user/sysconsd-recover.service.in data/user/sysconsd-settle.service.in
CLEANFILES += $(systemduserunit_DATA)

dist_tmpfiles_DATA = data/tmpfiles.d/sysconsd.conf
tmpfilesdir = @tmpfilesdir@

dist_man_MANS = data/man/sysconsd.8 data/man/sysconsd-exec.8 data/man/sysconsd-worker.8 data/man/sysconsd.conf.5

# Recovery is on without having been enabled; whoever must do without it masks the units. A configuration file that is there is kept.
install-data-local:
	$(MKDIR_P) $(DESTDIR)$(systemdsystemunitdir)/sysinit.target.wants $(DESTDIR)$(systemdsystemunitdir)/multi-user.target.wants
	ln -sfn ../sysconsd-recover.service $(DESTDIR)$(systemdsystemunitdir)/sysinit.target.wants/sysconsd-recover.service
	ln -sfn ../sysconsd-settle.service $(DESTDIR)$(systemdsystemunitdir)/multi-user.target.wants/sysconsd-settle.service
	$(MKDIR_P) $(DESTDIR)$(systemduserunitdir)/basic.target.wants $(DESTDIR)$(systemduserunitdir)/default.target.wants
	ln -sfn ../sysconsd-recover.service $(DESTDIR)$(systemduserunitdir)/basic.target.wants/sysconsd-recover.service
	ln -sfn ../sysconsd-settle.service $(DESTDIR)$(systemduserunitdir)/default.target.wants/sysconsd-settle.service
	$(MKDIR_P) $(DESTDIR)$(sysconfdir)
	test -e $(DESTDIR)$(sysconfdir)/sysconsd.conf || \
		$(INSTALL_DATA) $(srcdir)/data/sysconsd.conf $(DESTDIR)$(sysconfdir)/sysconsd.conf

uninstall-local:
	rm -f $(DESTDIR)$(systemdsystemunitdir)/sysinit.target.wants/sysconsd-recover.service
	rm -f $(DESTDIR)$(systemdsystemunitdir)/multi-user.target.wants/sysconsd-settle.service
	rm -f $(DESTDIR)$(systemduserunitdir)/basic.target.wants/sysconsd-recover.service
	rm -f $(DESTDIR)$(systemduserunitdir)/default.target.wants/sysconsd-settle.service
	if cmp -s $(srcdir)/data/sysconsd.conf $(DESTDIR)$(sysconfdir)/sysconsd.conf; then rm -f $(DESTDIR)$(sysconfdir)/sysconsd.conf; fi

EXTRA_DIST += data/sanitizers.conf
if SANITIZERS
sanitizersdir = $(systemdsystemunitdir)/sysconsd.service.d
sanitizers_DATA = data/sanitizers.conf
recoversanitizersdir = $(systemdsystemunitdir)/sysconsd-recover.service.d
recoversanitizers_DATA = data/sanitizers.conf
settlesanitizersdir = $(systemdsystemunitdir)/sysconsd-settle.service.d
settlesanitizers_DATA = data/sanitizers.conf
usersanitizersdir = $(systemduserunitdir)/sysconsd.service.d
usersanitizers_DATA = data/sanitizers.conf
endif

EXTRA_DIST += data/coverage.conf.in
if COVERAGE
CLEANFILES += data/coverage.conf
coverage_drop_ins = $(systemdsystemunitdir)/sysconsd.service.d $(systemdsystemunitdir)/sysconsd-job-.service.d \
	$(systemduserunitdir)/sysconsd.service.d $(systemduserunitdir)/sysconsd-job-.service.d
install-data-hook: data/coverage.conf
	for place in $(coverage_drop_ins); do \
		$(MKDIR_P) "$(DESTDIR)$$place" && $(INSTALL_DATA) data/coverage.conf "$(DESTDIR)$$place/coverage.conf" || exit 1; \
	done
endif
