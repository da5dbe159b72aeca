/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one package system or the other, for the package*.c only. */

#include "package.h"

typedef struct {
        const char *suffix;
        bool (*build)(ScSystemd *systemd, const ScPackageInput *input, GCancellable *cancellable, char ***ret_files,
                      GError **error);
        bool (*state)(const ScPackage *package, const char *file, ScPackageState *ret, GError **error);
        bool (*installed_version)(const ScPackage *package, char **ret, GError **error);
        bool (*installed_files)(const ScPackage *package, GHashTable **ret, GError **error);
        bool (*check)(const ScPackage *package, const char *file, GError **error);
        bool (*check_removal)(const ScPackage *package, GError **error);
        bool (*install)(ScSystemd *systemd, const ScPackage *package, const char *file, GError **error);
        bool (*remove)(ScSystemd *systemd, const ScPackage *package, ScReport *report, GError **error);
} ScPackageDriver;

extern const ScPackageDriver sc_package_deb, sc_package_rpm;

/* The texts that the packages are built from, for tests and fuzzing. architecture: "all", or dpkg's name of it. */
char *sc_package_deb_control(const ScPackageFacts *facts, const char *architecture);
char *sc_package_deb_conffiles(const ScPackageInput *input);
/* As in a control file; "": none. */
typedef struct {
        const char *name, *depends, *conflicts, *provides;
} ScPackageRelations;
/* Failed and Exists name what is missing, and what must not be there. */
bool sc_package_deb_check_relations(const ScPackageRelations *relations, GError **error);
/* *ret: what is missing of it, NULL: nothing. installed: a line a package, STATUS TAB NAME TAB VERSION TAB PROVIDES. */
bool sc_package_deb_find_missing(const char *depends, const char *installed, char **ret, GError **error);
/* NULL: a path that rpm would take for something else. */
char *sc_package_rpm_spec(const ScPackageInput *input, GError **error);

/* What dpkg says of a package's configuration, a line each. dpkg-query, ${Conffiles}: true for a file that the package has no more;
 * the line is taken apart. */
bool sc_package_deb_obsolete(char *line, const char **ret_path, const char **ret_md5);
/* dpkg --verify: the path, in the line, of one that is not as the package brought it; NULL: something else. */
const char *sc_package_deb_modified(const char *line);

/* The repository keeps equal symlinks once, and a checkout shares them, but dpkg unpacks no hardlinks to symlinks. root: absolute
 * path of a folder that nobody else can write. */
bool sc_package_part_symlinks(const char *root, GError **error);
/* Runs a package tool as a service of systemd, see ScSystemdCommand; environment and writable may be NULL. What it prints is part
 * of the error. */
bool sc_package_run(ScSystemd *systemd, const char *name, char *const *argv, const char *const *environment, const char *writable,
                    GCancellable *cancellable, GError **error);
/* argv of a tool, its first word looked up. */
char **sc_package_words(GError **error, const char *program, ...) G_GNUC_NULL_TERMINATED;
/* Lines of a text as a set. */
GHashTable *sc_package_lines(const char *text);
