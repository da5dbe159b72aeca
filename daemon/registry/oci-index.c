/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "oci-index.h"

#include "base/error.h"
#include "base/json.h"
#include "base/reference.h"
#include "manifest.h"
#include "printable.h"
#include <string.h>

#define REF_NAME "org.opencontainers.image.ref.name"
/* containerd's, and Docker's since 25: the whole name, where ref.name is the tag. */
#define FULL_NAME "io.containerd.image.name"

enum { MAX_ENTRIES = 1000, MAX_SHOWN = 20 };

/* One element of `manifests`; the strings are the object's. */
typedef struct {
        ScDigest digest;
        guint64 size;
        const char *media_type;
        const char *ref, *full; /* NULL: none */
} Element;

void sc_oci_entry_clear(ScOciEntry *entry)
{
        g_clear_pointer(&entry->media_type, g_free);
        g_clear_pointer(&entry->name, g_free);
}

bool sc_oci_layout_check(const char *text, gsize size, GError **error)
{
        const char *version;
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_MANIFEST_MAX_SIZE, "file oci-layout", error);
        if (object == NULL || !sc_json_get_string(object, "imageLayoutVersion", SC_JSON_REQUIRED, &version, error))
                return false;
        if (g_str_has_prefix(version, "1."))
                return true;
        g_autofree char *shown = sc_printable(version);
        return sc_throw(error, SC_ERROR_UNSUPPORTED, "The layout has the version '%s', not 1", shown);
}

static bool read_element(JsonNode *node, Element *ret, GError **error)
{
        const char *digest;
        JsonObject *annotations;
        Element element = {0};
        if (!JSON_NODE_HOLDS_OBJECT(node))
                return sc_throw(error, SC_ERROR_CORRUPT, "It lists something that is no image");
        JsonObject *object = json_node_get_object(node);
        if (!sc_json_get_string(object, "mediaType", SC_JSON_REQUIRED, &element.media_type, error) ||
            !sc_json_get_string(object, "digest", SC_JSON_REQUIRED, &digest, error) ||
            !sc_json_get_uint(object, "size", SC_JSON_REQUIRED, &element.size, error) ||
            !sc_digest_parse(digest, &element.digest, error) ||
            !sc_json_get_object(object, "annotations", SC_JSON_OPTIONAL, &annotations, error))
                return false;
        if (element.size > SC_MANIFEST_MAX_SIZE)
                return sc_throw(error, SC_ERROR_CORRUPT, "It names a manifest of %" G_GUINT64_FORMAT " bytes", element.size);
        if (annotations != NULL && (!sc_json_get_string(annotations, REF_NAME, SC_JSON_OPTIONAL, &element.ref, error) ||
                                    !sc_json_get_string(annotations, FULL_NAME, SC_JSON_OPTIONAL, &element.full, error)))
                return false;
        *ret = element;
        return true;
}

static bool read_elements(JsonObject *object, GArray *elements, GError **error)
{
        JsonArray *list;
        if (!sc_json_get_array(object, "manifests", SC_JSON_REQUIRED, &list, error))
                return false;
        guint length = json_array_get_length(list);
        if (length == 0 || length > MAX_ENTRIES)
                return sc_throw(error, SC_ERROR_CORRUPT, "It lists %u images; it can be 1 to %d", length, MAX_ENTRIES);
        for (guint i = 0; i < length; i++) {
                Element element;
                if (!read_element(json_array_get_element(list, i), &element, error))
                        return false;
                g_array_append_val(elements, element);
        }
        return true;
}

static const char *name_of(const Element *element)
{
        return element->full != NULL ? element->full : element->ref;
}

static bool is_same_name(const char *asked, const char *name)
{
        if (name == NULL)
                return false;
        g_autoptr(ScReference) a = sc_reference_parse(asked, NULL), b = sc_reference_parse(name, NULL);
        return strcmp(asked, name) == 0 || (a != NULL && b != NULL && strcmp(a->name, b->name) == 0);
}

static char *list_names(const GArray *elements)
{
        g_autoptr(GString) names = g_string_new(NULL);
        for (guint i = 0; i < elements->len && i < MAX_SHOWN; i++) {
                const char *name = name_of(&g_array_index(elements, Element, i));
                g_autofree char *shown = name != NULL ? sc_printable(name) : NULL;
                if (shown != NULL)
                        g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", shown);
        }
        return names->len > 0 ? g_string_free(g_steal_pointer(&names), FALSE) : g_strdup("none with a name");
}

/* *ret_count: how many there are of the name, or (NULL) at all. */
static const Element *find(const GArray *elements, const char *name, guint *ret_count, guint *ret_named)
{
        const Element *found = NULL;
        *ret_count = *ret_named = 0;
        for (guint i = 0; i < elements->len; i++) {
                const Element *element = &g_array_index(elements, Element, i);
                *ret_named += name_of(element) != NULL;
                if (name != NULL && !is_same_name(name, element->ref) && !is_same_name(name, element->full))
                        continue;
                found = element;
                (*ret_count)++;
        }
        return found;
}

static bool choose(const GArray *elements, const char *name, ScOciEntry *ret, GError **error)
{
        guint count, named;
        const Element *found = find(elements, name, &count, &named);
        if (count == 1) {
                *ret = (ScOciEntry){
                        .digest = found->digest,
                        .size = found->size,
                        .media_type = g_strdup(found->media_type),
                        .name = g_strdup(name_of(found)),
                };
                return true;
        }
        if (name == NULL && named == 0) {
                *ret = (ScOciEntry){.is_whole = true};
                return true;
        }
        g_autofree char *there = list_names(elements);
        if (count == 0)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found in the layout; there is: %s", name, there);
        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                        "The layout has %u images%s%s: write which behind its path, as in PATH:REF; there is: %s", count,
                        name != NULL ? " by the name " : "", name != NULL ? name : "", there);
}

bool sc_oci_index_find(const char *text, gsize size, const char *name, ScOciEntry *ret, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_MANIFEST_MAX_SIZE, "layout's index.json", error);
        g_autoptr(GArray) elements = g_array_new(FALSE, FALSE, sizeof(Element));
        if (object == NULL)
                return false;
        if (!read_elements(object, elements, error))
                return sc_prefix(error, "The layout's index.json cannot be used");
        return choose(elements, name, ret, error);
}
