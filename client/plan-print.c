/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "diff.h"
#include "plan.h"
#include "text.h"
#include "value.h"
#include <string.h>

#define SHORT_ID 12

typedef struct {
        GString *text;
        JsonObject *plan;
} Print;

static void line(Print *print, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void line(Print *print, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *raw = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_autofree char *clean = sc_text_clean(raw);
        g_string_append(print->text, clean);
        g_string_append_c(print->text, '\n');
}

static JsonObject *part(const Print *print, const char *name)
{
        JsonNode *node = json_object_get_member(print->plan, name);
        return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

/* Objects, or strings. */
static guint list_length(const Print *print, const char *name)
{
        JsonNode *node = json_object_get_member(print->plan, name);
        return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_array_get_length(json_node_get_array(node)) : 0;
}

static JsonNode *list_entry(const Print *print, const char *name, guint index)
{
        return json_array_get_element(json_object_get_array_member(print->plan, name), index);
}

static JsonObject *list_object(const Print *print, const char *name, guint index)
{
        JsonNode *node = list_entry(print, name, index);
        return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static void more(Print *print, const char *name)
{
        JsonObject *not_listed = part(print, "not_listed");
        gint64 count = not_listed != NULL ? sc_value_int(not_listed, name) : 0;
        if (count > 0)
                line(print, "  ... and %" G_GINT64_FORMAT " more", count);
}

static void strings(Print *print, const char *title, const char *name)
{
        guint n = list_length(print, name);
        if (n == 0)
                return;
        line(print, "%s", title);
        for (guint i = 0; i < n; i++) {
                g_autofree char *text = sc_value_to_text(list_entry(print, name, i));
                line(print, "  %s", text != NULL ? text : "");
        }
        more(print, name);
}

static void heading(Print *print)
{
        const char *operation = sc_value_string(print->plan, "operation"), *container = sc_value_string(print->plan, "container");
        const char *verdict = list_length(print, "conflicts") > 0     ? "it would be refused"
                              : sc_value_bool(print->plan, "changed") ? "this would be done"
                                                                      : "nothing would be done";
        line(print, "%s%s%s: %s", operation, *container != '\0' ? " " : "", container, verdict);
}

static void image(Print *print)
{
        JsonObject *image = part(print, "image");
        if (image == NULL)
                return;
        const char *id = sc_value_string(image, "id"), *replaces = sc_value_string(print->plan, "replaces");
        const char *digest = sc_value_string(image, "digest");
        g_autofree char *size = sc_format_size((guint64)sc_value_int(image, "bytes_to_fetch"));
        guint missing = 0, n = list_length(print, "layers");
        for (guint i = 0; i < n; i++) {
                JsonObject *layer = list_object(print, "layers", i);
                missing += layer != NULL && !sc_value_bool(layer, "here") ? 1 : 0;
        }
        line(print, "Image: %s", sc_value_string(image, "name"));
        if (*replaces != '\0')
                line(print, "  id %.*s, now %.*s", SHORT_ID, id, SHORT_ID, replaces);
        else
                line(print, "  id %.*s", SHORT_ID, id);
        if (*digest != '\0')
                line(print, "  digest %s", digest);
        if (missing > 0)
                line(print, "  to fetch: %s, %u of %u layers", size, missing, n);
        else if (n > 0)
                line(print, "  to fetch: nothing");
}

static void disk(Print *print)
{
        JsonObject *disk = part(print, "disk");
        if (disk == NULL)
                return;
        g_autofree char *needed = sc_format_size((guint64)sc_value_int(disk, "needed"));
        g_autofree char *free_size = sc_format_size((guint64)sc_value_int(disk, "free"));
        line(print, "Disk: %s%s needed, %s free", sc_value_bool(disk, "exact") ? "" : "more than ", needed, free_size);
}

static void deployment(Print *print)
{
        JsonObject *deployment = part(print, "deployment");
        if (deployment == NULL)
                return;
        const char *displaces = sc_value_string(deployment, "displaces");
        line(print, "Deployment: %s", sc_value_string(deployment, "path"));
        if (*displaces != '\0')
                line(print, "  in the place of the one of image %.*s, which goes", SHORT_ID, displaces);
}

static void service(Print *print)
{
        JsonObject *service = part(print, "service");
        if (service == NULL)
                return;
        bool stops = sc_value_bool(service, "stops"), starts = sc_value_bool(service, "starts");
        bool installs = strcmp(sc_value_string(print->plan, "operation"), "install") == 0;
        line(print, "Service: %s, %s", sc_value_string(service, "unit"),
             stops && starts ? "which is stopped and started again"
             : stops         ? "which is stopped"
             : starts        ? "which is enabled and started"
             : installs      ? "which is enabled, and not started"
                             : "which does not run");
}

static void files(Print *print)
{
        guint n = list_length(print, "files"), unchanged = 0;
        if (n > 0)
                line(print, "Files on the host:");
        for (guint i = 0; i < n; i++) {
                JsonObject *file = list_object(print, "files", i);
                const char *action = file != NULL ? sc_value_string(file, "action") : "";
                if (file == NULL || strcmp(action, "unchanged") == 0) {
                        unchanged++;
                        continue;
                }
                const char *why = sc_value_string(file, "why");
                line(print, "  %-10s  %s%s%s%s", action, sc_value_string(file, "path"), *why != '\0' ? " (" : "", why,
                     *why != '\0' ? ")" : "");
        }
        if (unchanged > 0)
                line(print, "  unchanged   %u", unchanged);
        more(print, "files");
}

static void package(Print *print)
{
        JsonObject *package = part(print, "package");
        if (package == NULL)
                return;
        const char *version = sc_value_string(package, "version"), *replaces = sc_value_string(package, "replaces");
        line(print, "Package: %s%s%s (%s), %s%s%s", sc_value_string(package, "name"), *version != '\0' ? " " : "", version,
             sc_value_string(package, "system"), sc_value_string(package, "action"), *replaces != '\0' ? ", now " : "", replaces);
}

static void generated(Print *print, const char *name)
{
        JsonObject *file = part(print, name);
        if (file == NULL)
                return;
        line(print, "%s, %s", sc_value_string(file, "path"), sc_value_string(file, "action"));
        if (strcmp(sc_value_string(file, "action"), "removed") == 0)
                return;
        g_autofree char *diff = sc_diff(sc_value_string(file, "old"), sc_value_string(file, "new"));
        g_auto(GStrv) lines = g_strsplit(diff, "\n", -1);
        for (char **text = lines; *text != NULL && (**text != '\0' || text[1] != NULL); text++)
                line(print, "  %s", *text);
        if (sc_value_bool(file, "cut"))
                line(print, "  ... (the text goes on)");
}

/* What follows from the rest: paths, names, commands. */
static bool is_of_system(JsonObject *value)
{
        const char *from = sc_value_string(value, *sc_value_string(value, "new_from") != '\0' ? "new_from" : "old_from");
        return strcmp(from, "system") == 0;
}

static void value(Print *print, JsonObject *value, bool all)
{
        const char *name = sc_value_string(value, "name"), *from = sc_value_string(value, "new_from");
        const char *old = sc_value_string(value, "old"), *new = sc_value_string(value, "new");
        bool has_old = json_object_has_member(value, "old_from"), has_new = json_object_has_member(value, "new_from");
        bool shown = json_object_has_member(value, "old") || json_object_has_member(value, "new");
        if (is_of_system(value) || (!all && !sc_value_bool(value, "changed")))
                return;
        if (!has_new)
                line(print, "  %s%s%s: no more", name, shown ? "=" : "", old);
        else if (!shown)
                line(print, "  %s (%s)", name, from);
        else if (has_old)
                line(print, "  %s=%s, now %s (%s)", name, new, old, from);
        else
                line(print, "  %s=%s (%s)", name, new, from);
}

static void values(Print *print)
{
        guint n = list_length(print, "values"), n_changed = 0, n_old = 0;
        for (guint i = 0; i < n; i++) {
                JsonObject *entry = list_object(print, "values", i);
                n_changed += entry != NULL && sc_value_bool(entry, "changed") && !is_of_system(entry) ? 1 : 0;
                n_old += entry != NULL && json_object_has_member(entry, "old_from") ? 1 : 0;
        }
        if (n_changed == 0)
                return;
        line(print, n_old > 0 ? "Values that change:" : "Values:");
        for (guint i = 0; i < n; i++) {
                JsonObject *entry = list_object(print, "values", i);
                if (entry != NULL)
                        value(print, entry, n_old == 0);
        }
        more(print, "values");
}

static void privileged(Print *print)
{
        guint n = list_length(print, "privileged_files");
        if (n > 0)
                line(print, "Programs in the image that get rights from their files:");
        for (guint i = 0; i < n; i++) {
                JsonObject *file = list_object(print, "privileged_files", i);
                if (file != NULL)
                        line(print, "  %s %" G_GINT64_FORMAT ":%" G_GINT64_FORMAT " %s%s", sc_value_string(file, "mode"),
                             sc_value_int(file, "uid"), sc_value_int(file, "gid"), sc_value_string(file, "path"),
                             sc_value_bool(file, "capabilities") ? " (capabilities)" : "");
        }
        more(print, "privileged_files");
}

/* Parts of the plan, in words. */
static void unknown(Print *print)
{
        guint n = list_length(print, "unknown");
        if (n > 0)
                line(print, "Not known before the layers are here:");
        for (guint i = 0; i < n; i++) {
                g_autofree char *text = sc_value_to_text(list_entry(print, "unknown", i));
                bool is_privileged = g_strcmp0(text, "privileged_files") == 0;
                line(print, "  %s", is_privileged ? "programs that get rights from their files" : text != NULL ? text : "");
        }
}

char *sc_plan_format(JsonObject *plan)
{
        Print print = {g_string_new(NULL), plan};
        heading(&print);
        image(&print);
        disk(&print);
        deployment(&print);
        strings(&print, "Deployments that go:", "removed_deployments");
        service(&print);
        package(&print);
        files(&print);
        generated(&print, "unit");
        generated(&print, "tmpfiles");
        values(&print);
        privileged(&print);
        strings(&print, "Refs that go:", "refs");
        strings(&print, "Deployments that go:", "deployments");
        unknown(&print);
        strings(&print, "Left out, because it is too long:", "left_out");
        strings(&print, "Notes:", "notes");
        strings(&print, "It would be refused:", "conflicts");
        return g_string_free(print.text, FALSE);
}
