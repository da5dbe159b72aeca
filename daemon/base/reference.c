/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reference.h"

#include "error.h"
#include "path.h"
#include <string.h>

enum { MAX_REFERENCE = 1023, MAX_PATH = 255, MAX_TAG = 128, MAX_CONTAINER_NAME = 200 };

static bool is_lower_alnum(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* path-component := alpha-numeric [separator alpha-numeric]*, separator := "." | "_" | "__" | "-"+ */
static bool component_ok(const char *text, gsize length)
{
        if (length == 0 || !is_lower_alnum(text[0]) || !is_lower_alnum(text[length - 1]))
                return false;
        for (gsize i = 0; i < length; i++) {
                if (is_lower_alnum(text[i]) || text[i] == '-')
                        continue;
                if (text[i] == '.' && is_lower_alnum(text[i - 1]) && is_lower_alnum(text[i + 1]))
                        continue;
                if (text[i] == '_' && (is_lower_alnum(text[i - 1]) || (text[i - 1] == '_' && is_lower_alnum(text[i - 2]))) &&
                    (is_lower_alnum(text[i + 1]) || (text[i + 1] == '_' && text[i - 1] != '_')))
                        continue;
                return false;
        }
        return true;
}

static bool path_ok(const char *path)
{
        if (strlen(path) > MAX_PATH)
                return false;
        g_auto(GStrv) parts = g_strsplit(path, "/", -1);
        for (char **part = parts; *part != NULL; part++)
                if (!component_ok(*part, strlen(*part)))
                        return false;
        return parts[0] != NULL;
}

static bool tag_ok(const char *tag)
{
        gsize length = strlen(tag);
        if (length == 0 || length > MAX_TAG || tag[0] == '.' || tag[0] == '-')
                return false;
        for (const char *c = tag; *c != '\0'; c++)
                if (!g_ascii_isalnum(*c) && *c != '_' && *c != '.' && *c != '-')
                        return false;
        return true;
}

static bool port_ok(const char *port)
{
        gsize length = strlen(port);
        if (length == 0 || length > 5)
                return false;
        for (const char *c = port; *c != '\0'; c++)
                if (!g_ascii_isdigit(*c))
                        return false;
        guint64 number = g_ascii_strtoull(port, NULL, 10);
        return number > 0 && number <= 65535;
}

/* A DNS name, an IPv4 address, or an IPv6 address in brackets; then perhaps a port. */
static bool host_ok(const char *host)
{
        g_autofree char *name = g_strdup(host);
        if (name[0] == '[') {
                char *end = strchr(name, ']');
                if (end == NULL || end == name + 1)
                        return false;
                for (const char *c = name + 1; c < end; c++)
                        if (!g_ascii_isxdigit(*c) && *c != ':')
                                return false;
                return end[1] == '\0' || (end[1] == ':' && port_ok(end + 2));
        }
        char *colon = strchr(name, ':');
        if (colon != NULL) {
                *colon = '\0';
                if (!port_ok(colon + 1))
                        return false;
        }
        gsize length = strlen(name);
        if (length == 0 || length > 253)
                return false;
        for (gsize i = 0; i < length; i++) {
                bool edge = i == 0 || i == length - 1 || name[i - 1] == '.' || name[i + 1] == '.';
                if (!g_ascii_isalnum(name[i]) && (edge || (name[i] != '-' && name[i] != '.')))
                        return false;
        }
        return true;
}

/* The first component is a host if it could not be one of a path: docker's rule. */
static bool looks_like_host(const char *text, gsize length)
{
        if (length == strlen("localhost") && strncmp(text, "localhost", length) == 0)
                return true;
        for (gsize i = 0; i < length; i++)
                if (text[i] == '.' || text[i] == ':' || text[i] == '[' || g_ascii_isupper(text[i]))
                        return true;
        return false;
}

static bool split(ScReference *reference, const char *name, GError **error)
{
        g_autofree char *rest = g_strdup(name);
        char *at = strchr(rest, '@');
        if (at != NULL) {
                *at = '\0';
                ScDigest digest;
                if (!sc_digest_parse(at + 1, &digest, error))
                        return false;
                reference->digest = g_strdup(at + 1);
        }

        char *path = rest;
        char *slash = strchr(rest, '/');
        if (slash != NULL && looks_like_host(rest, (gsize)(slash - rest))) {
                *slash = '\0';
                if (!host_ok(rest))
                        return sc_throw(error, SC_ERROR_INVALID_REFERENCE, "'%.80s' is not a host, nor HOST:PORT", rest);
                reference->host = g_ascii_strdown(rest, -1);
                /* The name is written in lower case, and must mean the same when it is read again. */
                if (!looks_like_host(reference->host, strlen(reference->host)))
                        return sc_throw(error, SC_ERROR_INVALID_REFERENCE,
                                        "'%.80s' is not a host: write it with its domain or its port, as in %.80s:443", rest,
                                        reference->host);
                path = slash + 1;
        }

        char *colon = strrchr(path, ':');
        if (colon != NULL) {
                *colon = '\0';
                if (!tag_ok(colon + 1))
                        return sc_throw(error, SC_ERROR_INVALID_REFERENCE,
                                        "'%.140s' is not a tag (letters, digits, '_', '.' and '-', at most 128)", colon + 1);
                reference->tag = g_strdup(colon + 1);
        } else if (reference->digest == NULL) {
                reference->tag = g_strdup("latest");
        }
        if (!path_ok(path))
                return sc_throw(
                        error, SC_ERROR_INVALID_REFERENCE,
                        "'%.260s' is not a repository's path (lower-case letters and digits, parted by '/', '.', '_' or '-')",
                        path);
        reference->path = g_strdup(path);
        return true;
}

/* Any word that can be an annotation, and stays one word in a message. */
static bool choice_ok(const char *text)
{
        for (const char *c = text; *c != '\0'; c++)
                if (!g_ascii_isgraph(*c))
                        return false;
        return strlen(text) <= MAX_PATH;
}

static char *join_name(const ScReference *reference)
{
        return g_strconcat(reference->host != NULL ? reference->host : "", reference->host != NULL ? "/" : "", reference->path,
                           reference->tag != NULL ? ":" : "", reference->tag != NULL ? reference->tag : "",
                           reference->digest != NULL ? "@" : "", reference->digest != NULL ? reference->digest : "", NULL);
}

static bool choose(ScReference *reference, const ScSourceFacts *source, const char *rest, GError **error)
{
        if (*rest == '\0')
                return true;
        if (source->rule == SC_RULE_REF_IN_FILE) {
                reference->choice = g_strdup(rest);
                return choice_ok(rest) || sc_throw(error, SC_ERROR_INVALID_REFERENCE, "'%.260s' is not the name of an image", rest);
        }
        g_autoptr(ScReference) in_file = g_new0(ScReference, 1);
        if (!split(in_file, rest, error))
                return false;
        if (in_file->digest != NULL)
                return sc_throw(error, SC_ERROR_INVALID_REFERENCE, "An image in an archive is chosen by its name, not by a digest");
        reference->choice = join_name(in_file);
        return true;
}

/* NAME@/PATH. */
static bool split_place(ScReference *reference, const char *rest, GError **error)
{
        const char *at = strstr(rest, "@/");
        bool is_printable = true;
        for (const char *c = rest; *c != '\0'; c++)
                is_printable = is_printable && !g_ascii_iscntrl(*c);
        if (at == NULL || !is_printable || !sc_path_is_clean_absolute(at + 1))
                return sc_throw(error, SC_ERROR_INVALID_REFERENCE, "it is NAME@/PATH, with an absolute path without `..`");
        g_autofree char *name = g_strndup(rest, (gsize)(at - rest));
        reference->place = g_strdup(at + 1);
        return split(reference, name, error);
}

static bool parse(ScReference *reference, const char *text, bool may_be_file, GError **error)
{
        const char *rest;
        const ScSourceFacts *source = sc_source_find(text, &rest, error);
        if (source == NULL)
                return false;
        reference->source = source->source;
        if (!sc_source_is_file(source->source)) {
                if (!(source->rule == SC_RULE_NAME_AT_PATH ? split_place(reference, rest, error) : split(reference, rest, error)))
                        return false;
                reference->name = join_name(reference);
                /* By its name alone it would be another image, from elsewhere. */
                const ScSourceFacts *read_again = sc_source_find(reference->name, &rest, NULL);
                return (read_again != NULL && rest == reference->name) ||
                       sc_throw(error, SC_ERROR_INVALID_REFERENCE, "'%s' begins as a source does: put a registry in front of it",
                                reference->name);
        }
        return may_be_file
                       ? choose(reference, source, rest, error)
                       : sc_throw(error, SC_ERROR_UNSUPPORTED,
                                  "An image in a file has to be pulled first (`sysconsctl pull %sPATH`), and then goes by its name",
                                  source->prefix);
}

static ScReference *parse_checked(const char *text, bool may_be_file, GError **error)
{
        g_autoptr(ScReference) reference = g_new0(ScReference, 1);
        if (strlen(text) > MAX_REFERENCE || !g_utf8_validate(text, -1, NULL)) {
                sc_throw(error, SC_ERROR_INVALID_REFERENCE, "An image's name is at most %d characters", MAX_REFERENCE);
                return NULL;
        }
        GError *problem = NULL;
        if (parse(reference, text, may_be_file, &problem))
                return g_steal_pointer(&reference);
        if (problem->code != SC_ERROR_UNSUPPORTED) {
                g_autofree char *printable = g_strescape(text, NULL);
                problem->code = problem->code == SC_ERROR_INVALID_ARGUMENT ? SC_ERROR_INVALID_REFERENCE : problem->code;
                sc_prefix(&problem, "Invalid image name '%.200s'", printable);
        }
        g_propagate_error(error, problem);
        return NULL;
}

ScReference *sc_reference_parse(const char *text, GError **error)
{
        return parse_checked(text, false, error);
}

ScReference *sc_reference_parse_to_pull(const char *text, GError **error)
{
        return parse_checked(text, true, error);
}

ScReference *sc_reference_parse_registry(const char *text, GError **error)
{
        g_autofree char *image = g_strconcat(text, "/x", NULL);
        g_autoptr(ScReference) reference = sc_reference_parse(image, NULL);
        if (reference == NULL || reference->host == NULL || reference->source != SC_SOURCE_REGISTRY) {
                g_autofree char *printable = g_strescape(text, NULL);
                sc_throw(error, SC_ERROR_INVALID_REFERENCE, "'%.200s' is not the name of a registry: HOST[:PORT][/NAMESPACE]",
                         printable);
                return NULL;
        }
        char *end = strrchr(reference->path, '/');
        *(end != NULL ? end : reference->path) = '\0';
        g_clear_pointer(&reference->tag, g_free);
        g_free(reference->name);
        reference->name = g_strconcat(reference->host, end != NULL ? "/" : "", reference->path, NULL);
        return g_steal_pointer(&reference);
}

char *sc_reference_repository(const ScReference *reference)
{
        bool official = strcmp(reference->host, "docker.io") == 0 && *reference->path != '\0' &&
                        strchr(reference->path, '/') == NULL;
        return g_strconcat(official ? "library/" : "", reference->path, NULL);
}

char *sc_reference_to_text(const ScReference *reference)
{
        const char *rest = sc_source_is_file(reference->source) ? reference->choice : reference->name;
        return g_strconcat(sc_source_facts(reference->source)->prefix, rest != NULL ? rest : "",
                           reference->place != NULL ? "@" : NULL, reference->place, NULL);
}

ScReference *sc_reference_copy(const ScReference *reference)
{
        ScReference *copy = g_new0(ScReference, 1);
        *copy = (ScReference){.source = reference->source,
                              .host = g_strdup(reference->host),
                              .path = g_strdup(reference->path),
                              .tag = g_strdup(reference->tag),
                              .digest = g_strdup(reference->digest),
                              .name = g_strdup(reference->name),
                              .place = g_strdup(reference->place),
                              .choice = g_strdup(reference->choice)};
        return copy;
}

void sc_reference_free(ScReference *reference)
{
        if (reference == NULL)
                return;
        g_free(reference->host);
        g_free(reference->path);
        g_free(reference->tag);
        g_free(reference->digest);
        g_free(reference->name);
        g_free(reference->place);
        g_free(reference->choice);
        g_free(reference);
}

bool sc_name_is_digest(const char *name)
{
        ScDigest digest;
        return sc_digest_parse(name, &digest, NULL);
}

bool sc_reference_is_tag(const ScReference *reference, GError **error)
{
        if (sc_name_is_digest(reference->name))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "%s is a digest, by which an image is meant whatever its names are", reference->name);
        if (reference->source == SC_SOURCE_REGISTRY && reference->digest == NULL)
                return true;
        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "A tag is [HOST/]NAME[:TAG], without a source and without a digest: %s",
                        reference->name);
}

bool sc_reference_is_loopback(const ScReference *reference)
{
        if (reference->host == NULL)
                return false;
        if (g_str_has_prefix(reference->host, "[::1]"))
                return true;
        g_auto(GStrv) parts = g_strsplit(reference->host, ":", 2);
        if (strcmp(parts[0], "localhost") == 0)
                return true;
        /* A name such as 127.evil.example is no address: only four numbers are. */
        g_auto(GStrv) numbers = g_strsplit(parts[0], ".", -1);
        if (g_strv_length(numbers) != 4 || strcmp(numbers[0], "127") != 0)
                return false;
        for (char **number = numbers; *number != NULL; number++) {
                gsize digits = strspn(*number, "0123456789");
                if (digits == 0 || digits > 3 || (*number)[digits] != '\0' || g_ascii_strtoull(*number, NULL, 10) > 255)
                        return false;
        }
        return true;
}

char *sc_ref_encode(const char *name)
{
        GString *ref = g_string_new(SC_REF_PREFIX);
        for (const char *c = name; *c != '\0'; c++)
                if (g_ascii_isalnum(*c) || *c == '.' || *c == '-')
                        g_string_append_c(ref, *c);
                else
                        g_string_append_printf(ref, "_%02X", (guint8)*c);
        return g_string_free(ref, FALSE);
}

char *sc_ref_decode(const char *ref)
{
        if (g_str_has_prefix(ref, SC_REF_PREFIX))
                ref += strlen(SC_REF_PREFIX);
        g_autoptr(GString) name = g_string_new(NULL);
        for (const char *c = ref; *c != '\0'; c++) {
                if (g_ascii_isalnum(*c) || *c == '.' || *c == '-') {
                        g_string_append_c(name, *c);
                        continue;
                }
                int high = *c == '_' ? g_ascii_xdigit_value(c[1]) : -1;
                int low = high >= 0 ? g_ascii_xdigit_value(c[2]) : -1;
                if (low < 0 || (high == 0 && low == 0))
                        return NULL;
                g_string_append_c(name, (char)(high << 4 | low));
                c += 2;
        }
        return name->len == 0 || !g_utf8_validate(name->str, -1, NULL) ? NULL : g_string_free(g_steal_pointer(&name), FALSE);
}

bool sc_ref_is_blob(const char *ref)
{
        return g_str_has_prefix(ref, SC_REF_PREFIX) && sc_digest_is_hex(ref + strlen(SC_REF_PREFIX));
}

bool sc_container_name_check(const char *name, GError **error)
{
        static const char *const unit_suffixes[] = {".service", ".socket", ".device", ".mount", ".automount", ".swap",
                                                    ".target",  ".path",   ".timer",  ".slice", ".scope",     ".conf"};
        gsize length = strlen(name);
        bool ok = length > 0 && length <= MAX_CONTAINER_NAME && g_ascii_isalnum(name[0]);
        for (const char *c = name; ok && *c != '\0'; c++)
                ok = g_ascii_isalnum(*c) || *c == '_' || *c == '.' || *c == '-';
        if (!ok) {
                g_autofree char *printable = g_strescape(name, NULL);
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "Invalid container name '%.210s': use a letter or digit, then letters, digits, '_', '.' and '-', "
                                "at most %d in all",
                                printable, MAX_CONTAINER_NAME);
        }
        for (guint i = 0; i < G_N_ELEMENTS(unit_suffixes); i++)
                if (g_str_has_suffix(name, unit_suffixes[i]))
                        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Invalid container name '%s': it must not end in %s",
                                        name, unit_suffixes[i]);
        return true;
}

char *sc_container_name_from_reference(const ScReference *reference, GError **error)
{
        const char *slash = strrchr(reference->path, '/');
        const char *base = slash != NULL ? slash + 1 : reference->path;
        g_autofree char *name = reference->tag == NULL || strcmp(reference->tag, "latest") == 0
                                        ? g_strdup(base)
                                        : g_strconcat(base, "-", reference->tag, NULL);
        if (!sc_container_name_check(name, error)) {
                sc_prefix(error, "Give the container a name with --name");
                return NULL;
        }
        return g_steal_pointer(&name);
}
