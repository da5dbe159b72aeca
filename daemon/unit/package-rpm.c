/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Formats: rpm-spec(5); tags as `rpm --querytags` lists them, as of rpm 4.14 and later. */

#include "package-driver.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/path.h"
#include "command.h"
#include <string.h>

/* The header's digest tells one package from every other, of the same version, too. */
#define IDENTITY "%{NEVRA} %{SHA256HEADER}\\n"

/* ---- building ---- */

/* A text in a spec: macros begin with %, and a \ at its end would draw the next line in. */
static char *escape(const char *text)
{
        g_auto(GStrv) parts = g_strsplit(text, "%", -1);
        char *escaped = g_strjoinv("%%", parts);
        for (gsize size = strlen(escaped); size > 0 && escaped[size - 1] == '\\'; size--)
                escaped[size - 1] = '\0';
        return escaped;
}

static void append_tag(GString *spec, const char *name, const char *value)
{
        if (value == NULL || value[0] == '\0')
                return;
        g_autofree char *escaped = escape(value);
        g_string_append_printf(spec, "%s: %s\n", name, escaped);
}

static void append_relations(GString *spec, const char *name, char *const *relations)
{
        for (char *const *relation = relations; *relation != NULL; relation++)
                append_tag(spec, name, *relation);
}

/* rpm takes names in %files for patterns and macros. */
static bool append_path(GString *spec, const char *attribute, const char *path, GError **error)
{
        if (strpbrk(path, "*?[]{}%\"\\") != NULL)
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "An rpm cannot hold %s: its name has special characters. Install it with --system-package=no",
                                path);
        g_string_append_printf(spec, "%s\"%s\"\n", attribute, path);
        return true;
}

static bool append_files(GString *spec, const ScPackageInput *input, GError **error)
{
        for (char *const *folder = input->folders; folder != NULL && *folder != NULL; folder++)
                if (!append_path(spec, "%dir ", *folder, error))
                        return false;
        for (guint i = 0; i < input->files->len; i++) {
                const ScHostFile *file = input->files->pdata[i];
                bool is_configuration = S_ISREG(file->mode) && g_str_has_prefix(file->destination, "/etc/");
                const char *attribute = S_ISDIR(file->mode) ? "%dir " : is_configuration ? "%config(noreplace) " : "";
                if (!append_path(spec, attribute, file->destination, error))
                        return false;
        }
        for (char *const *tree = input->trees; tree != NULL && *tree != NULL; tree++)
                if (!append_path(spec, "", *tree, error))
                        return false;
        return true;
}

char *sc_package_rpm_spec(const ScPackageInput *input, GError **error)
{
        const ScPackageFacts *facts = input->facts;
        g_autoptr(GString) spec = g_string_new(NULL);
        append_tag(spec, "Name", facts->name);
        append_tag(spec, "Version", facts->version);
        append_tag(spec, "Release", facts->release[0] != '\0' ? facts->release : "1");
        append_tag(spec, "Summary", facts->summary);
        append_tag(spec, "License", facts->license);
        append_tag(spec, "URL", facts->url);
        if (input->trees == NULL)
                append_tag(spec, "BuildArch", "noarch");
        append_relations(spec, "Requires", facts->requires);
        append_relations(spec, "Conflicts", facts->conflicts);
        append_relations(spec, "Provides", facts->provides);
        g_autofree char *description = escape(facts->description);
        /* The files are what they are: nothing is stripped, compressed, or guessed from them. */
        g_string_append_printf(spec,
                               "AutoReqProv: no\n"
                               "%%global debug_package %%{nil}\n"
                               "%%global __os_install_post %%{nil}\n"
                               "%%global _build_id_links none\n"
                               "\n%%description\n%s%s\n\n%%files\n",
                               description[0] == '%' || description[0] == '#' ? "- " : "", description);
        return append_files(spec, input, error) ? g_strdup(spec->str) : NULL;
}

static char **build_words(const ScPackageInput *input, const char *spec, GError **error)
{
        g_autofree char *root = g_build_filename(input->folder, SC_PACKAGE_ROOT, NULL);
        g_autofree char *top = g_strdup_printf("_topdir %s/build", input->folder);
        g_autofree char *out = g_strdup_printf("_rpmdir %s", input->folder);
        g_autofree char *temporary = g_strdup_printf("_tmppath %s/build", input->folder);
        /* The files are there already, so that the root must not be emptied first. */
        return sc_package_words(error, "rpmbuild", "-bb", "--noclean", "--nodeps", "--buildroot", root, "--define", top, "--define",
                                out, "--define", temporary, "--define", "_rpmfilename " SC_PACKAGE_FILE, "--define",
                                "__spec_install_pre %{___build_pre}", "--define", "_binaries_in_noarch_packages_terminate_build 0",
                                "--define", "_unpackaged_files_terminate_build 0", spec, NULL);
}

/* `rpm --query` of a file; one answer. */
static bool ask_file(const char *file, const char *format, char **ret, GError **error)
{
        const char *const argv[] = {"rpm", "--query", "--nosignature", "--package", "--queryformat", format, file, NULL};
        return sc_command_ask(argv, NULL, ret, error);
}

/* An image's own spec is its author's code, as its unit is; but it makes a package of its container, and nothing else. */
static bool check_foreign(const ScPackageInput *input, const char *file, char *const *files, GError **error)
{
        g_autofree char *name = NULL;
        g_autofree char *obsoletes = NULL;
        if (!ask_file(file, "%{NAME}", &name, error) || !ask_file(file, "[%{OBSOLETENAME} ]", &obsoletes, error))
                return false;
        if (strcmp(name, input->facts->name) != 0)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The image's rpm.spec makes a package %.100s, not %s", name,
                                input->facts->name);
        if (obsoletes[0] != '\0')
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "The image's rpm.spec would have rpm remove other packages: %.200s", obsoletes);
        if (g_strv_length((char **)files) > SC_PACKAGE_MAX_FILES)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The image's rpm.spec lists more than %d files",
                                SC_PACKAGE_MAX_FILES);
        for (char *const *path = files; *path != NULL; path++)
                if (!sc_path_is_clean_absolute(*path))
                        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                        "The image's rpm.spec lists a file %.200s: that is no path", *path);
        return true;
}

static bool list_files(const ScPackageInput *input, const char *file, char ***ret, GError **error)
{
        g_autoptr(GStrvBuilder) files = g_strv_builder_new();
        if (input->spec == NULL) {
                for (guint i = 0; i < input->files->len; i++)
                        g_strv_builder_add(files, ((const ScHostFile *)input->files->pdata[i])->destination);
                *ret = g_strv_builder_end(files);
                return true;
        }
        g_autofree char *answer = NULL;
        if (!ask_file(file, "[%{FILENAMES}\\n]", &answer, error))
                return false;
        g_auto(GStrv) lines = g_strsplit(answer, "\n", -1);
        for (char **line = lines; *line != NULL; line++)
                if (**line != '\0')
                        g_strv_builder_add(files, *line);
        g_auto(GStrv) found = g_strv_builder_end(files);
        if (!check_foreign(input, file, found, error))
                return false;
        *ret = g_steal_pointer(&found);
        return true;
}

static bool build(ScSystemd *systemd, const ScPackageInput *input, GCancellable *cancellable, char ***ret_files, GError **error)
{
        g_autofree char *spec = input->spec != NULL ? g_strdup(input->spec) : sc_package_rpm_spec(input, error);
        sc_autofd folder = spec != NULL ? sc_open_dir(input->folder, error) : -1;
        if (folder < 0)
                return false;
        g_autofree char *path = g_build_filename(input->folder, "rpm.spec", NULL);
        g_autofree char *result = g_build_filename(input->folder, SC_PACKAGE_FILE, NULL);
        g_auto(GStrv) argv = build_words(input, path, error);
        sc_autofd top = argv != NULL ? sc_make_dirs(folder, "build", 0755, error) : -1;
        return top >= 0 && sc_write_file(folder, "rpm.spec", spec, -1, 0600, SC_WRITE_NEW, error) &&
               sc_package_run(systemd, input->facts->name, argv, NULL, input->folder, cancellable, error) &&
               list_files(input, result, ret_files, error);
}

/* ---- asking ---- */

static bool ask_installed(const ScPackage *package, const char *format, char **ret, GError **error)
{
        const char *const argv[] = {"rpm", "--query", "--nosignature", "--queryformat", format, package->name, NULL};
        int status;
        g_autofree char *answer = NULL;
        if (!sc_command_ask(argv, &status, &answer, error))
                return false;
        if (status != 0 && strstr(answer, "is not installed") == NULL)
                return sc_throw(error, SC_ERROR_FAILED, "rpm cannot tell about %s: it ended with status %d", package->name, status);
        *ret = status == 0 ? g_steal_pointer(&answer) : NULL;
        return true;
}

static bool state(const ScPackage *package, const char *file, ScPackageState *ret, GError **error)
{
        g_autofree char *here = NULL;
        g_autofree char *wanted = NULL;
        if (!ask_installed(package, IDENTITY, &here, error) ||
            (here != NULL && file != NULL && !ask_file(file, IDENTITY, &wanted, error)))
                return false;
        *ret = here == NULL ? SC_PACKAGE_ABSENT : g_strcmp0(here, wanted) == 0 ? SC_PACKAGE_SAME : SC_PACKAGE_OTHER;
        return true;
}

static bool installed_version(const ScPackage *package, char **ret, GError **error)
{
        return ask_installed(package, "%{VERSION}-%{RELEASE}", ret, error);
}

static bool installed_files(const ScPackage *package, GHashTable **ret, GError **error)
{
        g_autofree char *answer = NULL;
        if (!ask_installed(package, "[%{FILENAMES}\\n]", &answer, error))
                return false;
        *ret = sc_package_lines(answer != NULL ? answer : "");
        return true;
}

/* It was made here and lies in a folder that root alone can write: there is nobody's signature on it. */
#define UPGRADE "--upgrade", "--oldpackage", "--replacepkgs", "--nosignature", "--nodigest"

static bool check(const ScPackage *package G_GNUC_UNUSED, const char *file, GError **error)
{
        const char *const argv[] = {"rpm", UPGRADE, "--test", file, NULL};
        g_autofree char *answer = NULL;
        return sc_command_ask(argv, NULL, &answer, error);
}

static bool check_removal(const ScPackage *package, GError **error)
{
        const char *const argv[] = {"rpm", "--erase", "--test", package->name, NULL};
        g_autofree char *answer = NULL;
        return sc_command_ask(argv, NULL, &answer, error);
}

/* ---- changing ---- */

static const char *const environment[] = {"LC_ALL=C", "HOME=/root", NULL};

static bool install(ScSystemd *systemd, const ScPackage *package, const char *file, GError **error)
{
        ScPackageState here;
        if (!state(package, file, &here, error))
                return false;
        if (here == SC_PACKAGE_SAME)
                return true;
        g_auto(GStrv) argv = sc_package_words(error, "rpm", UPGRADE, file, NULL);
        return argv != NULL && sc_package_run(systemd, package->name, argv, environment, NULL, NULL, error);
}

static bool remove_package(ScSystemd *systemd, const ScPackage *package, ScReport *report G_GNUC_UNUSED, GError **error)
{
        g_autofree char *here = NULL;
        if (!ask_installed(package, IDENTITY, &here, error))
                return false;
        if (here == NULL)
                return true;
        g_auto(GStrv) argv = sc_package_words(error, "rpm", "--erase", package->name, NULL);
        return argv != NULL && sc_package_run(systemd, package->name, argv, environment, NULL, NULL, error);
}

const ScPackageDriver sc_package_rpm = {
        .suffix = ".rpm",
        .build = build,
        .state = state,
        .installed_version = installed_version,
        .installed_files = installed_files,
        .check = check,
        .check_removal = check_removal,
        .install = install,
        .remove = remove_package,
};
