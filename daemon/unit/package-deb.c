/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Formats: deb(5), deb-control(5), deb-conffiles(5); locks and states as of dpkg 1.21. */

#include "package-driver.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/path.h"
#include "command.h"
#include "host-path.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Tells two packages of one version apart. */
#define MAX_CONFIGURATION (64u * 1024 * 1024)
#define ID_FIELD "Sysconsd-Deployment"

/* ---- building ---- */

static void append_field(GString *text, const char *name, const char *value)
{
        if (value != NULL && value[0] != '\0')
                g_string_append_printf(text, "%s: %s\n", name, value);
}

static void append_relations(GString *text, const char *name, char *const *relations)
{
        g_autofree char *value = g_strjoinv(", ", (char **)relations);
        append_field(text, name, value);
}

char *sc_package_deb_control(const ScPackageFacts *facts, const char *architecture)
{
        GString *text = g_string_new(NULL);
        append_field(text, "Package", facts->name);
        g_string_append_printf(text, "Version: %s%s%s\n", facts->version, facts->release[0] != '\0' ? "-" : "", facts->release);
        append_field(text, "Architecture", architecture);
        append_field(text, "Maintainer", "sysconsd <root@localhost>");
        append_field(text, "Section", "admin");
        append_field(text, "Priority", "optional");
        append_relations(text, "Depends", facts->requires);
        append_relations(text, "Conflicts", facts->conflicts);
        append_relations(text, "Provides", facts->provides);
        append_field(text, "Homepage", facts->url);
        append_field(text, "License", facts->license);
        append_field(text, ID_FIELD, facts->id);
        g_string_append_printf(text, "Description: %s\n %s\n", facts->summary, facts->description);
        return g_string_free(text, FALSE);
}

/* What is in /etc belongs to the administrator once it is there, as with every package. */
char *sc_package_deb_conffiles(const ScPackageInput *input)
{
        GString *text = g_string_new(NULL);
        for (guint i = 0; i < input->files->len; i++) {
                const ScHostFile *file = input->files->pdata[i];
                if (S_ISREG(file->mode) && g_str_has_prefix(file->destination, "/etc/"))
                        g_string_append_printf(text, "%s\n", file->destination);
        }
        return g_string_free(text, FALSE);
}

static bool write_metadata(const ScPackageInput *input, GError **error)
{
        static const char *const question[] = {"dpkg", "--print-architecture", NULL};
        g_autofree char *architecture = g_strdup("all");
        if (input->trees != NULL) {
                g_clear_pointer(&architecture, g_free);
                if (!sc_command_ask(question, NULL, &architecture, error))
                        return false;
                g_strstrip(architecture);
        }
        g_autofree char *control = sc_package_deb_control(input->facts, architecture);
        g_autofree char *conffiles = sc_package_deb_conffiles(input);
        sc_autofd folder = sc_open_dir(input->folder, error);
        sc_autofd fd = folder >= 0 ? sc_make_dirs(folder, SC_PACKAGE_ROOT "/DEBIAN", 0755, error) : -1;
        return fd >= 0 && sc_write_file(fd, "control", control, -1, 0644, SC_WRITE_NEW, error) &&
               (conffiles[0] == '\0' || sc_write_file(fd, "conffiles", conffiles, -1, 0644, SC_WRITE_NEW, error));
}

static bool build(ScSystemd *systemd, const ScPackageInput *input, GCancellable *cancellable, char ***ret_files, GError **error)
{
        g_autofree char *root = g_build_filename(input->folder, SC_PACKAGE_ROOT, NULL);
        g_autofree char *result = g_build_filename(input->folder, SC_PACKAGE_FILE, NULL);
        /* gzip is what every dpkg reads */
        g_auto(GStrv) argv = sc_package_words(error, "dpkg-deb", "-Zgzip", "--build", root, result, NULL);
        if (argv == NULL || !write_metadata(input, error) || !sc_package_part_symlinks(root, error) ||
            !sc_package_run(systemd, input->facts->name, argv, NULL, input->folder, cancellable, error))
                return false;
        g_autoptr(GStrvBuilder) files = g_strv_builder_new();
        for (guint i = 0; i < input->files->len; i++)
                g_strv_builder_add(files, ((const ScHostFile *)input->files->pdata[i])->destination);
        *ret_files = g_strv_builder_end(files);
        return true;
}

/* ---- asking ---- */

/* *ret NULL: there is no such package. */
static bool ask_about(const ScPackage *package, const char *format, char **ret, GError **error)
{
        const char *const argv[] = {"dpkg-query", "--show", "-f", format, package->name, NULL};
        int status;
        g_autofree char *answer = NULL;
        if (!sc_command_ask(argv, &status, &answer, error))
                return false;
        if (status > 1)
                return sc_throw(error, SC_ERROR_FAILED, "dpkg-query cannot tell about %s: it ended with status %d", package->name,
                                status);
        *ret = status == 0 ? g_steal_pointer(&answer) : NULL;
        return true;
}

static bool state(const ScPackage *package, const char *file G_GNUC_UNUSED, ScPackageState *ret, GError **error)
{
        static const char *const absent[] = {"not-installed", "config-files", NULL};
        static const char *const whole[] = {"installed", "triggers-awaited", "triggers-pending", NULL};
        g_autofree char *answer = NULL;
        if (!ask_about(package, "${db:Status-Status}\\n${" ID_FIELD "}", &answer, error))
                return false;
        g_auto(GStrv) words = g_strsplit(answer != NULL ? answer : "not-installed", "\n", 2);
        if (g_strv_contains(absent, words[0]))
                *ret = SC_PACKAGE_ABSENT;
        else if (g_strv_contains(whole, words[0]) && package->id != NULL && g_strcmp0(words[1], package->id) == 0)
                *ret = SC_PACKAGE_SAME;
        else
                *ret = SC_PACKAGE_OTHER;
        return true;
}

static bool installed_version(const ScPackage *package, char **ret, GError **error)
{
        g_autofree char *answer = NULL;
        if (!ask_about(package, "${db:Status-Status} ${Version}", &answer, error))
                return false;
        *ret = answer != NULL && g_str_has_prefix(answer, "installed ") ? g_strdup(answer + strlen("installed ")) : NULL;
        return true;
}

static bool installed_files(const ScPackage *package, GHashTable **ret, GError **error)
{
        const char *const argv[] = {"dpkg-query", "--listfiles", package->name, NULL};
        int status;
        g_autofree char *answer = NULL;
        if (!sc_command_ask(argv, &status, &answer, error))
                return false;
        *ret = sc_package_lines(status == 0 ? answer : "");
        return true;
}

static bool check(const ScPackage *package, const char *file, GError **error)
{
        const char *const argv[] = {"dpkg-deb", "--show", "--showformat=${Depends}\\n${Conflicts}\\n${Provides}\\n", file, NULL};
        g_autofree char *answer = NULL;
        if (!sc_command_ask(argv, NULL, &answer, error))
                return false;
        g_auto(GStrv) lines = g_strsplit(answer, "\n", 4);
        if (g_strv_length(lines) < 4)
                return sc_throw(error, SC_ERROR_FAILED, "dpkg-deb does not tell what the package %s needs", package->name);
        const ScPackageRelations relations = {package->name, lines[0], lines[1], lines[2]};
        return sc_package_deb_check_relations(&relations, error);
}

static bool check_removal(const ScPackage *package, GError **error)
{
        const char *const argv[] = {"dpkg", "--dry-run", "--remove", package->name, NULL};
        g_autofree char *answer = NULL;
        return sc_command_ask(argv, NULL, &answer, error);
}

/* ---- folders that are the administrator's ---- */

/* dpkg takes a folder away with the last package that has files in it, also where no package made it. */
static bool is_local(const char *path)
{
        static const char *const places[] = {"/usr/local", "/opt", "/srv", "/var/local", NULL};
        return g_strv_contains(places, path) ||
               (g_str_has_prefix(path, "/usr/local/") && strchr(path + strlen("/usr/local/"), '/') == NULL);
}

typedef struct {
        char *path;
        struct stat st;
} Folder;

static void folder_free(gpointer folder)
{
        g_free(((Folder *)folder)->path);
        g_free(folder);
}

static gint compare_folders(gconstpointer a, gconstpointer b)
{
        return strcmp((*(Folder *const *)a)->path, (*(Folder *const *)b)->path);
}

static GPtrArray *local_folders(const ScPackage *package, GError **error)
{
        g_autoptr(GHashTable) files = NULL;
        if (!installed_files(package, &files, error))
                return NULL;
        GPtrArray *folders = g_ptr_array_new_with_free_func(folder_free);
        GHashTableIter iter;
        gpointer path;
        struct stat st;
        g_hash_table_iter_init(&iter, files);
        while (g_hash_table_iter_next(&iter, &path, NULL)) {
                if (!is_local(path) || lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
                        continue;
                Folder *folder = g_new0(Folder, 1);
                folder->path = g_strdup(path);
                folder->st = st;
                g_ptr_array_add(folders, folder);
        }
        g_ptr_array_sort(folders, compare_folders);
        return folders;
}

/* By descriptor: where a group may write to /usr/local, somebody in it could put a link in its place. */
static bool restore_folder(int root_fd, const Folder *folder, GError **error)
{
        sc_autofd parent = -1;
        const char *name = strrchr(folder->path, '/') + 1;
        int there = sc_host_parent_open(root_fd, folder->path, SC_HOST_PARENT_LOOK, &parent, error);
        if (there < 0)
                return false;
        if (there == 0 || mkdirat(parent, name, 0700) < 0) {
                if (there == 0)
                        errno = ENOENT;
                return (there > 0 && errno == EEXIST) || sc_throw_errno(error, "Cannot make the folder %s again", folder->path);
        }
        sc_autofd fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return (fd >= 0 && fchown(fd, folder->st.st_uid, folder->st.st_gid) == 0 && fchmod(fd, folder->st.st_mode & 07777) == 0) ||
               sc_throw_errno(error, "Cannot make the folder %s as it was", folder->path);
}

static bool restore_folders(GPtrArray *folders, GError **error)
{
        if (folders->len == 0)
                return true;
        sc_autofd root = sc_open_dir("/", error);
        for (guint i = 0; root >= 0 && i < folders->len; i++)
                if (!restore_folder(root, folders->pdata[i], error))
                        return false;
        return root >= 0;
}

/* ---- changing ---- */

/* We hold the frontend's lock, as apt does when it calls dpkg; nobody is there to answer questions. */
static bool run_dpkg(ScSystemd *systemd, const ScPackage *package, char *const *argv, GError **error)
{
        static const char *const environment[] = {"DPKG_FRONTEND_LOCKED=1", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", NULL};
        g_autoptr(GPtrArray) folders = local_folders(package, error);
        if (folders == NULL)
                return false;
        bool ok = sc_package_run(systemd, package->name, argv, environment, NULL, NULL, error);
        return restore_folders(folders, ok ? error : NULL) && ok;
}

/* dpkg leaves configuration that a package has no more, and calls it obsolete. Unless somebody changed it, it is ours to remove. */
static bool remove_obsolete(const char *path, const char *md5, bool *ret_removed, GError **error)
{
        sc_autofd root = sc_open_dir("/", error);
        sc_autofd folder = -1;
        if (root < 0)
                return false;
        int there = sc_host_parent_open(root, path, SC_HOST_PARENT_LOOK, &folder, error);
        const char *name = strrchr(path, '/') + 1;
        struct stat st;
        if (there > 0)
                there = sc_lstat(folder, name, &st, error);
        if (there <= 0 || !S_ISREG(st.st_mode))
                return there >= 0;
        g_autofree char *data = NULL;
        gsize size;
        if (!sc_read_file(folder, name, MAX_CONFIGURATION, &data, &size, error))
                return false;
        g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_MD5, (const guchar *)data, size);
        if (strcmp(sum, md5) != 0)
                return true;
        *ret_removed = true;
        return sc_unlink_durably(folder, name, error);
}

/* " PATH MD5 obsolete" */
bool sc_package_deb_obsolete(char *line, const char **ret_path, const char **ret_md5)
{
        char *path = g_strstrip(line);
        char *flag = strrchr(path, ' ');
        if (flag == NULL || strcmp(flag, " obsolete") != 0)
                return false;
        *flag = '\0';
        char *md5 = strrchr(path, ' ');
        if (md5 == NULL)
                return false;
        *md5++ = '\0';
        *ret_path = path;
        *ret_md5 = md5;
        return sc_path_is_clean_absolute(path);
}

static bool remove_obsoletes(const ScPackage *package, bool *ret_removed, GError **error)
{
        g_autofree char *answer = NULL;
        if (!ask_about(package, "${Conffiles}", &answer, error))
                return false;
        g_auto(GStrv) lines = g_strsplit(answer != NULL ? answer : "", "\n", -1);
        for (char **line = lines; *line != NULL; line++) {
                const char *path, *md5;
                if (sc_package_deb_obsolete(*line, &path, &md5) && !remove_obsolete(path, md5, ret_removed, error))
                        return sc_prefix(error, "Cannot remove %s, which the package %s has no more", path, package->name);
        }
        return true;
}

/* Configuration that is missing comes back: a version before may have had no use for it. */
static bool unpack(ScSystemd *systemd, const ScPackage *package, const char *file, GError **error)
{
        g_auto(GStrv) argv = sc_package_words(error, "dpkg", "--force-confdef", "--force-confold", "--force-confmiss",
                                              "--force-downgrade", "-i", file, NULL);
        return argv != NULL && run_dpkg(systemd, package, argv, error);
}

/* dpkg forgets what is obsolete and gone when it unpacks the package again. */
static bool install(ScSystemd *systemd, const ScPackage *package, const char *file, GError **error)
{
        ScPackageState here;
        bool removed = false;
        return state(package, file, &here, error) && (here == SC_PACKAGE_SAME || unpack(systemd, package, file, error)) &&
               remove_obsoletes(package, &removed, error) && (!removed || unpack(systemd, package, file, error));
}

/* "??5?????? c PATH" */
const char *sc_package_deb_modified(const char *line)
{
        return strlen(line) > 12 && line[2] == '5' && strncmp(line + 9, " c ", 3) == 0 ? line + 12 : NULL;
}

static bool find_modified(const ScPackage *package, GPtrArray *ret, GError **error)
{
        const char *const argv[] = {"dpkg", "--verify", package->name, NULL};
        int status;
        g_autofree char *answer = NULL;
        if (!sc_command_ask(argv, &status, &answer, error))
                return false;
        g_auto(GStrv) lines = g_strsplit(answer, "\n", -1);
        for (char **line = lines; *line != NULL; line++)
                if (sc_package_deb_modified(*line) != NULL)
                        g_ptr_array_add(ret, g_strdup(sc_package_deb_modified(*line)));
        return true;
}

static bool remove_package(ScSystemd *systemd, const ScPackage *package, ScReport *report, GError **error)
{
        g_autofree char *answer = NULL;
        g_autoptr(GPtrArray) modified = g_ptr_array_new_with_free_func(g_free);
        if (!ask_about(package, "${db:Status-Status}", &answer, error))
                return false;
        if (answer == NULL || strcmp(answer, "not-installed") == 0 || strcmp(answer, "config-files") == 0)
                return true;
        if (!find_modified(package, modified, error))
                return false;
        for (guint i = 0; i < modified->len; i++)
                sc_report_message(report, "Will not delete %s as it was manually modified.", (const char *)modified->pdata[i]);
        g_auto(GStrv) argv = sc_package_words(error, "dpkg", modified->len > 0 ? "--remove" : "--purge", package->name, NULL);
        return argv != NULL && run_dpkg(systemd, package, argv, error);
}

const ScPackageDriver sc_package_deb = {
        .suffix = ".deb",
        .build = build,
        .state = state,
        .installed_version = installed_version,
        .installed_files = installed_files,
        .check = check,
        .check_removal = check_removal,
        .install = install,
        .remove = remove_package,
};
