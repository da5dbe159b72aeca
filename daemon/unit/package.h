/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* System packages: what a container puts on the host, held by the host's own package system, dpkg or rpm. They are built in a
 * sandbox, and installed and removed by dpkg and rpm themselves, which systemd starts: they need all rights of root. */

#include "hostfiles.h"
#include "systemd.h"

typedef enum { SC_PACKAGE_NONE, SC_PACKAGE_DEB, SC_PACKAGE_RPM } ScPackageSystem;

/* configured: "auto" (dpkg where it rules, else rpm where it does), "deb", "rpm" or "none". Unsupported where the one that is asked
 * for by name is not there; with "auto" that is SC_PACKAGE_NONE. */
bool sc_package_system_find(const char *configured, ScPackageSystem *ret, GError **error);
/* Whether its tools are here, so that a package of it can be asked about, installed and removed. */
bool sc_package_system_is_here(ScPackageSystem system);
/* ".deb", ".rpm". */
const char *sc_package_suffix(ScPackageSystem system);

/* ---- what a package says of itself ---- */

typedef struct {
        const char *container;
        GHashTable *labels;          /* the image's: atomic.version and so on, in any case */
        const char *default_version; /* where the image has none */
        const char *default_release;
        const char *id; /* of the deployment: tells two packages of one version apart */
} ScPackageSource;

/* Each string is in the grammar of the system, and of one line. */
typedef struct {
        ScPackageSystem system;
        char *name; /* atomic-container-NAME */
        char *version, *release, *summary, *description, *license;
        char *url; /* NULL: none */
        char *id;
        char **requires, **conflicts, **provides; /* as the system writes them: "foo (>= 1)", "foo >= 1" */
} ScPackageFacts;

/* Odd characters of a version become dots, of a text blanks; a relation that cannot be read is InvalidArgument naming the label. */
ScPackageFacts *sc_package_facts_new(ScPackageSystem system, const ScPackageSource *source, GError **error);
void sc_package_facts_free(ScPackageFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScPackageFacts, sc_package_facts_free)
char *sc_package_name(ScPackageSystem system, const char *container);

/* ---- building ---- */

#define SC_PACKAGE_ROOT "root"     /* below the folder: the files, as they are to lie on the host */
#define SC_PACKAGE_FILE "package"  /* the result */
#define SC_PACKAGE_MAX_FILES 65536 /* that an image's own spec may list */

typedef struct {
        const ScPackageFacts *facts;
        const char *folder;   /* absolute path; holds SC_PACKAGE_ROOT, and is for the build alone */
        GPtrArray *files;     /* ScHostFile; sources are not looked at */
        char *const *folders; /* that are to come and go with the package (rpm; dpkg knows by itself) */
        char *const *trees;   /* folders and files that it holds whole; NULL: host files only, and it fits every machine */
        const char *spec;     /* the image's own, rendered (rpm); NULL: none */
} ScPackageInput;

/* Makes FOLDER/package. *ret_files: what it holds besides trees, destinations on the host. */
bool sc_package_build(ScSystemd *systemd, const ScPackageInput *input, GCancellable *cancellable, char ***ret_files,
                      GError **error);

/* ---- on the host ---- */

typedef struct {
        ScPackageSystem system;
        char *name;
        char *id; /* of the deployment; NULL: one that sysconsd did not build */
} ScPackage;

/* From the name of its file, "atomic-container-NAME.rpm"; NULL for what is no such name. */
ScPackage *sc_package_new(const char *file_name, const char *id);
void sc_package_free(ScPackage *package);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScPackage, sc_package_free)

typedef enum {
        SC_PACKAGE_ABSENT, /* perhaps with configuration left */
        SC_PACKAGE_SAME,   /* just the one in the file, whole */
        SC_PACKAGE_OTHER,  /* another version, or half installed */
} ScPackageState;

/* file: absolute path of the package's file; NULL: there is none yet, and nothing is the same. */
bool sc_package_state(const ScPackage *package, const char *file, ScPackageState *ret, GError **error);
/* "1.0-5" of the installed package of this name; NULL without an error where there is none. */
bool sc_package_installed_version(const ScPackage *package, char **ret, GError **error);
/* Paths that the installed package of this name holds, as a set; empty where there is none. */
bool sc_package_installed_files(const ScPackage *package, GHashTable **ret, GError **error);

/* Keeps others from changing the package system as long as *ret_fd is open (rpm: *ret_fd is -1, it only waits for who is at work).
 * Busy if somebody is at work for more than `patience` seconds. */
bool sc_package_lock(ScPackageSystem system, guint patience, ScReport *report, GCancellable *cancellable, int *ret_fd,
                     GError **error);

/* Whether it could be installed, as far as that can be told without changing anything; what is needed and missing is told. */
bool sc_package_check(const ScPackage *package, const char *file, GError **error);
bool sc_package_check_removal(const ScPackage *package, GError **error);
/* The same before it is built: whether what it needs is there (deb; rpm can only tell of a package). */
bool sc_package_check_facts(const ScPackageFacts *facts, GError **error);

/* With the lock held. Nothing is done where it is the same already; a newer version is no hindrance to install an older one. It is
 * over when this returns, never cancelled. */
bool sc_package_install(ScSystemd *systemd, const ScPackage *package, const char *file, GError **error);
/* One that is not installed is no error. Of configuration that somebody changed it is told that it stays. */
bool sc_package_remove(ScSystemd *systemd, const ScPackage *package, ScReport *report, GError **error);
