/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verb that lists images, and layers. */

#include "layers.h"
#include "listing.h"
#include "text.h"
#include "value.h"
#include "verbs.h"
#include <string.h>

#define SHORT_ID 12
#define NONE "<none>"

static const ScColumn image_columns[] = {
        {""},
        {"REPOSITORY", SC_COLUMN_SHRINK},
        {"TAG"},
        {"IMAGE ID"},
        {"CREATED"},
        {"SIZE", SC_COLUMN_RIGHT},
        {"VIRTUAL SIZE", SC_COLUMN_RIGHT},
};
/* The last ones are what the atomic command called them. */
static const char *const image_properties[] = {
        "Names",    "Id",   "Digest", "Created", "Size", "VirtualSize", "Layers", "UsedBy",
        "Dangling", "repo", "image",  "tag",     "type", "is_dangling", NULL,
};

/* "localhost:5000/etcd:v1" to its repository and tag; a name by digest has none. */
static void split_name(const char *name, char **ret_repository, char **ret_tag)
{
        const char *slash = strrchr(name, '/'), *at = strchr(name, '@');
        const char *colon = strchr(slash != NULL ? slash : name, ':');
        const char *end = colon != NULL && (at == NULL || colon < at) ? colon : at;
        *ret_repository = end != NULL ? g_strndup(name, (gsize)(end - name)) : g_strdup(name);
        *ret_tag = g_strdup(end == NULL ? "latest" : end == at ? at + 1 : end + 1);
}

static char *image_id(JsonObject *properties, ScListFlags flags)
{
        const char *id = sc_value_string(properties, "Id");
        return (flags & SC_LIST_NO_TRUNC) != 0 ? g_strdup(id) : g_strndup(id, SHORT_ID);
}

static JsonArray *array_of(JsonObject *properties, const char *name)
{
        JsonNode *node = json_object_get_member(properties, name);
        return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static guint array_length(JsonObject *properties, const char *name)
{
        JsonArray *array = array_of(properties, name);
        return array != NULL ? json_array_get_length(array) : 0;
}

/* A digest is as long as the rest of the line. */
static char *shorten_tag(const char *tag, ScListFlags flags)
{
        const char *colon = strchr(tag, ':');
        return colon == NULL || (flags & SC_LIST_NO_TRUNC) != 0 ? g_strdup(tag)
                                                                : g_strdup_printf("%.*s", (int)(colon - tag) + 1 + SHORT_ID, tag);
}

static void add_image(ScTable *table, JsonObject *properties, const char *name, ScListFlags flags)
{
        g_autofree char *repository = NULL, *full_tag = NULL, *tag = NULL;
        if (name != NULL) {
                split_name(name, &repository, &full_tag);
                tag = shorten_tag(full_tag, flags);
        }
        bool used = array_length(properties, "UsedBy") > 0, dangling = sc_value_bool(properties, "Dangling");
        guint64 virtual_size = (guint64)sc_value_int(properties, "VirtualSize");
        g_autofree char *mark = g_strconcat(used ? ">" : "", dangling ? "*" : "", NULL);
        g_autofree char *id = image_id(properties, flags);
        g_autofree char *age = sc_format_age(sc_value_int(properties, "Created"), g_get_real_time() / G_USEC_PER_SEC);
        g_autofree char *size = sc_format_size((guint64)sc_value_int(properties, "Size"));
        g_autofree char *inflated = virtual_size > 0 ? sc_format_size(virtual_size) : NULL;
        sc_table_add(table, mark);
        sc_table_add(table, name != NULL ? repository : NONE);
        sc_table_add(table, name != NULL ? tag : NONE);
        sc_table_add(table, id);
        sc_table_add(table, age);
        sc_table_add(table, size);
        sc_table_add(table, inflated);
}

static void add_image_rows(ScClient *client, ScTable *table, JsonObject *properties, ScListFlags flags)
{
        guint n_names = array_length(properties, "Names");
        if (n_names == 0)
                add_image(table, properties, NULL, flags);
        for (guint i = 0; i < n_names; i++)
                add_image(table, properties, json_array_get_string_element(array_of(properties, "Names"), i), flags);
}

/* With what the atomic command's names stand for: of an array one element has to fit. */
static JsonObject *filter_view(JsonObject *presented)
{
        JsonObject *view = json_object_new();
        JsonObjectIter iter;
        const char *name;
        JsonNode *node;
        json_object_iter_init(&iter, presented);
        while (json_object_iter_next(&iter, &name, &node))
                json_object_set_member(view, name, json_node_copy(node));
        JsonArray *repositories = json_array_new(), *tags = json_array_new(), *ids = json_array_new(), *dangling = json_array_new();
        for (guint i = 0; i < array_length(presented, "Names"); i++) {
                g_autofree char *repository = NULL, *tag = NULL;
                split_name(json_array_get_string_element(array_of(presented, "Names"), i), &repository, &tag);
                json_array_add_string_element(repositories, repository);
                json_array_add_string_element(tags, tag);
        }
        if (json_array_get_length(repositories) == 0) {
                json_array_add_string_element(repositories, NONE);
                json_array_add_string_element(tags, NONE);
        }
        g_autofree char *short_id = image_id(presented, SC_LIST_CUT);
        json_array_add_string_element(ids, sc_value_string(presented, "Id"));
        json_array_add_string_element(ids, short_id);
        json_array_add_string_element(dangling, sc_value_bool(presented, "Dangling") ? "yes" : "no");
        json_array_add_string_element(dangling, sc_value_bool(presented, "Dangling") ? "true" : "false");
        json_object_set_array_member(view, "repo", repositories);
        json_object_set_array_member(view, "tag", tags);
        json_object_set_array_member(view, "image", ids);
        json_object_set_string_member(view, "type", "ostree");
        json_object_set_array_member(view, "is_dangling", dangling);
        return view;
}

static const ScListing image_listing = {
        .kind = SC_OBJECT_IMAGE,
        .summary = "List the images in the repository.",
        .details =
                "Marks: > an image that a container is made of, * a dangling one: it lost its last name to a newer one, or "
                "lacks a layer; or a layer that no image holds.\n"
                "A filter names a property that `sysconsctl show IMAGE` prints: Dangling=yes, or Names=localhost:5000/*; or repo, "
                "tag, image (the id), type or is_dangling.",
        .properties = image_properties,
        .columns = image_columns,
        .n_columns = G_N_ELEMENTS(image_columns),
        .all_summary = "Layers, too",
        .add_rows = add_image_rows,
        .id = image_id,
        .complete = sc_layers_complete,
        .filter_view = filter_view,
};

bool sc_verb_images(ScClient *client, int argc, char **argv, GError **error)
{
        return sc_listing_run(client, &image_listing, argc, argv, error);
}
