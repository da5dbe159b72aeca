/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "package-driver.h"

#include "base/error.h"
#include "base/path.h"
#include "command.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DPKG_FOLDER "/var/lib/dpkg"
#define RUN_PATIENCE (30 * 60) /* seconds that a tool may take: a large container is packed */
#define SAID_MAX 2000          /* bytes of what it says that are told on */
#define LOOK_INTERVAL (G_USEC_PER_SEC / 5)

static const ScPackageDriver *driver(ScPackageSystem system)
{
        g_assert(system != SC_PACKAGE_NONE);
        return system == SC_PACKAGE_DEB ? &sc_package_deb : &sc_package_rpm;
}

/* ---- which system ---- */

static bool has_program(const char *name)
{
        g_autofree char *path = g_find_program_in_path(name);
        return path != NULL;
}

static bool has_rpm_database(void)
{
        static const char *const folders[] = {"/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"};
        static const char *const files[] = {"rpmdb.sqlite", "Packages.db", "Packages"};
        for (guint i = 0; i < G_N_ELEMENTS(folders); i++)
                for (guint j = 0; j < G_N_ELEMENTS(files); j++) {
                        g_autofree char *path = g_build_filename(folders[i], files[j], NULL);
                        if (access(path, F_OK) == 0)
                                return true;
                }
        return false;
}

static ScPackageSystem look_for_system(void)
{
        if (access(DPKG_FOLDER "/status", F_OK) == 0)
                return has_program("dpkg") && has_program("dpkg-deb") ? SC_PACKAGE_DEB : SC_PACKAGE_NONE;
        return has_rpm_database() && has_program("rpm") && has_program("rpmbuild") ? SC_PACKAGE_RPM : SC_PACKAGE_NONE;
}

bool sc_package_system_find(const char *configured, ScPackageSystem *ret, GError **error)
{
        *ret = strcmp(configured, "auto") == 0  ? look_for_system()
               : strcmp(configured, "deb") == 0 ? SC_PACKAGE_DEB
               : strcmp(configured, "rpm") == 0 ? SC_PACKAGE_RPM
                                                : SC_PACKAGE_NONE;
        const char *builder = *ret == SC_PACKAGE_DEB ? "dpkg-deb" : "rpmbuild";
        return *ret == SC_PACKAGE_NONE || has_program(builder) ||
               sc_throw(error, SC_ERROR_UNSUPPORTED, "The package system is set to %s in sysconsd.conf, but there is no %s",
                        configured, builder);
}

bool sc_package_system_is_here(ScPackageSystem system)
{
        return has_program(system == SC_PACKAGE_DEB ? "dpkg" : "rpm");
}

const char *sc_package_suffix(ScPackageSystem system)
{
        return driver(system)->suffix;
}

/* ---- one package ---- */

static bool is_name(const char *name)
{
        gsize length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-._");
        return length > 0 && name[length] == '\0' && g_ascii_isalnum(name[0]);
}

ScPackage *sc_package_new(const char *file_name, const char *id)
{
        ScPackageSystem system = g_str_has_suffix(file_name, sc_package_deb.suffix)   ? SC_PACKAGE_DEB
                                 : g_str_has_suffix(file_name, sc_package_rpm.suffix) ? SC_PACKAGE_RPM
                                                                                      : SC_PACKAGE_NONE;
        if (system == SC_PACKAGE_NONE || !is_name(file_name))
                return NULL;
        ScPackage *package = g_new0(ScPackage, 1);
        package->system = system;
        package->name = g_strndup(file_name, strlen(file_name) - strlen(sc_package_suffix(system)));
        package->id = g_strdup(id);
        return package;
}

void sc_package_free(ScPackage *package)
{
        if (package == NULL)
                return;
        g_free(package->name);
        g_free(package->id);
        g_free(package);
}

/* ---- tools ---- */

char **sc_package_words(GError **error, const char *program, ...)
{
        g_autofree char *path = g_find_program_in_path(program);
        if (path == NULL) {
                sc_throw(error, SC_ERROR_UNSUPPORTED, "There is no program %s on this host", program);
                return NULL;
        }
        g_autoptr(GStrvBuilder) words = g_strv_builder_new();
        g_strv_builder_add(words, path);
        va_list list;
        va_start(list, program);
        for (const char *word; (word = va_arg(list, const char *)) != NULL;)
                g_strv_builder_add(words, word);
        va_end(list);
        return g_strv_builder_end(words);
}

GHashTable *sc_package_lines(const char *text)
{
        GHashTable *set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line != NULL; line++)
                if (**line != '\0')
                        g_hash_table_add(set, g_strdup(*line));
        return set;
}

/* The end of it, where the reason is. */
static char *what_was_said(int fd)
{
        char text[SAID_MAX + 1];
        off_t size = lseek(fd, 0, SEEK_END);
        ssize_t got = pread(fd, text, SAID_MAX, MAX(0, size - SAID_MAX));
        text[MAX(0, got)] = '\0';
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        return g_strdup(g_strstrip(valid));
}

bool sc_package_run(ScSystemd *systemd, const char *name, char *const *argv, const char *const *environment, const char *writable,
                    GCancellable *cancellable, GError **error)
{
        g_autofree char *suffix = sc_random_name(6);
        g_autofree char *unit = g_strdup_printf("sysconsd-package-%s-%s.service", name, suffix);
        sc_autofd output = memfd_create("output", MFD_CLOEXEC);
        if (output < 0)
                return sc_throw_errno(error, "Cannot make a file in memory");
        const ScSystemdCommand command = {
                .unit = unit,
                .argv = argv,
                .environment = environment,
                .seconds = RUN_PATIENCE,
                .output_fd = output,
                .writable = writable,
        };
        bool success;
        if (!sc_systemd_run(systemd, &command, cancellable, &success, error))
                return false;
        if (success)
                return true;
        g_autofree char *program = g_path_get_basename(argv[0]);
        g_autofree char *said = what_was_said(output);
        return sc_throw(error, SC_ERROR_FAILED, "%s failed for the package %s: %s", program, name, said);
}

/* ---- locks ---- */

/* Locks of dpkg and rpm are POSIX record locks; ones of open file descriptions see them, and are not lost by a close elsewhere. */
static bool is_free(const char *path)
{
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        sc_autofd fd = open(path, O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK;
}

static bool take(int fd)
{
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static char *rpm_lock_path(GError **error)
{
        static const char *const argv[] = {"rpm", "--eval", "%{_dbpath}/.rpm.lock", NULL};
        char *path = NULL;
        return sc_command_ask(argv, NULL, &path, error) ? g_strstrip(path) : NULL;
}

/* own: taken, and kept; other: only looked at, because the tool that we start takes it itself. */
static bool wait_for_locks(int own, const char *other, guint patience, ScReport *report, GCancellable *cancellable, GError **error)
{
        gint64 end = g_get_monotonic_time() + (gint64)patience * G_USEC_PER_SEC;
        bool told = false;
        for (;;) {
                if ((own < 0 || take(own)) && is_free(other))
                        return true;
                if (!told)
                        sc_report_message(report, "Waiting for another program that installs packages");
                told = true;
                if (sc_cancelled(cancellable, error))
                        return false;
                if (g_get_monotonic_time() >= end)
                        return sc_throw(error, SC_ERROR_BUSY,
                                        "Another program is installing packages (%s is locked): try again later", other);
                g_usleep(LOOK_INTERVAL);
        }
}

bool sc_package_lock(ScPackageSystem system, guint patience, ScReport *report, GCancellable *cancellable, int *ret_fd,
                     GError **error)
{
        sc_autofd own = -1;
        g_autofree char *other = system == SC_PACKAGE_DEB ? g_strdup(DPKG_FOLDER "/lock") : rpm_lock_path(error);
        if (other == NULL)
                return false;
        if (system == SC_PACKAGE_DEB) {
                own = open(DPKG_FOLDER "/lock-frontend", O_RDWR | O_CREAT | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC, 0640);
                if (own < 0)
                        return sc_throw_errno(error, "Cannot open the lock %s/lock-frontend", DPKG_FOLDER);
        }
        if (!wait_for_locks(own, other, patience, report, cancellable, error))
                return false;
        *ret_fd = sc_steal_fd(&own);
        return true;
}

/* ---- by system ---- */

bool sc_package_build(ScSystemd *systemd, const ScPackageInput *input, GCancellable *cancellable, char ***ret_files, GError **error)
{
        return driver(input->facts->system)->build(systemd, input, cancellable, ret_files, error) ||
               sc_prefix(error, "Cannot build the package %s", input->facts->name);
}

bool sc_package_state(const ScPackage *package, const char *file, ScPackageState *ret, GError **error)
{
        return driver(package->system)->state(package, file, ret, error);
}

bool sc_package_installed_version(const ScPackage *package, char **ret, GError **error)
{
        return driver(package->system)->installed_version(package, ret, error);
}

bool sc_package_installed_files(const ScPackage *package, GHashTable **ret, GError **error)
{
        return driver(package->system)->installed_files(package, ret, error);
}

bool sc_package_check(const ScPackage *package, const char *file, GError **error)
{
        return driver(package->system)->check(package, file, error) ||
               sc_prefix(error, "The package %s cannot be installed", package->name);
}

bool sc_package_check_facts(const ScPackageFacts *facts, GError **error)
{
        g_autofree char *requires = g_strjoinv(", ", facts->requires);
        g_autofree char *conflicts = g_strjoinv(", ", facts->conflicts);
        g_autofree char *provides = g_strjoinv(", ", facts->provides);
        const ScPackageRelations relations = {facts->name, requires, conflicts, provides};
        return facts->system != SC_PACKAGE_DEB || sc_package_deb_check_relations(&relations, error) ||
               sc_prefix(error, "The package %s cannot be installed", facts->name);
}

bool sc_package_check_removal(const ScPackage *package, GError **error)
{
        GHashTable *files = NULL;
        if (!sc_package_installed_files(package, &files, error))
                return false;
        bool is_there = g_hash_table_size(files) > 0;
        g_hash_table_unref(files);
        return !is_there || driver(package->system)->check_removal(package, error) ||
               sc_prefix(error, "The package %s cannot be removed", package->name);
}

bool sc_package_install(ScSystemd *systemd, const ScPackage *package, const char *file, GError **error)
{
        return driver(package->system)->install(systemd, package, file, error);
}

bool sc_package_remove(ScSystemd *systemd, const ScPackage *package, ScReport *report, GError **error)
{
        return driver(package->system)->remove(systemd, package, report, error);
}
