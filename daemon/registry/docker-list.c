/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "docker-list.h"

#include "base/error.h"
#include "base/image-name.h"
#include "base/reference.h"
#include "manifest.h"
#include <string.h>

enum { MAX_IMAGES = 1000, MAX_TAGS = 1000, MAX_SHOWN = 20 };

static void image_free(gpointer data)
{
        ScDockerImage *image = data;
        g_free(image->config);
        g_strfreev(image->layers);
        g_strfreev(image->tags);
        g_free(image);
}

/* A name that says where from, or by a digest, is none that an image here could have. */
static char *canonical(const char *text)
{
        g_autoptr(ScReference) reference = sc_reference_parse(text, NULL);
        return reference != NULL && sc_reference_is_tag(reference, NULL) ? g_strdup(reference->name) : NULL;
}

static char **canonical_all(char **names)
{
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        for (char **name = names; name != NULL && *name != NULL; name++) {
                g_autofree char *clean = canonical(*name);
                if (clean != NULL)
                        g_strv_builder_add(builder, clean);
        }
        return g_strv_builder_end(builder);
}

static bool read_image(ScDockerImage *image, JsonObject *object, guint max_layers, GError **error)
{
        const char *config;
        g_auto(GStrv) tags = NULL;
        if (!sc_json_get_string(object, "Config", SC_JSON_REQUIRED, &config, error) ||
            !sc_json_get_strv(object, "Layers", SC_JSON_REQUIRED, &image->layers, error) ||
            !sc_json_get_strv(object, "RepoTags", SC_JSON_OPTIONAL, &tags, error))
                return false;
        guint layers = g_strv_length(image->layers);
        if (layers > max_layers)
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "An image has %u layers; %u is the limit (MaxLayers= in the configuration)", layers, max_layers);
        if (tags != NULL && g_strv_length(tags) > MAX_TAGS)
                return sc_throw(error, SC_ERROR_CORRUPT, "An image has more than %d names", MAX_TAGS);
        image->config = g_strdup(config);
        image->tags = canonical_all(tags);
        return true;
}

GPtrArray *sc_docker_list_parse(const char *text, gsize size, guint max_layers, GError **error)
{
        g_autoptr(JsonArray) list = sc_json_parse_array(text, (gssize)size, SC_MANIFEST_MAX_SIZE, "archive's manifest.json", error);
        if (list == NULL)
                return NULL;
        guint length = json_array_get_length(list);
        if (length == 0 || length > MAX_IMAGES) {
                sc_throw(error, SC_ERROR_CORRUPT, "The archive's manifest.json lists %u images; it can be 1 to %d", length,
                         MAX_IMAGES);
                return NULL;
        }
        g_autoptr(GPtrArray) images = g_ptr_array_new_with_free_func(image_free);
        for (guint i = 0; i < length; i++) {
                JsonNode *node = json_array_get_element(list, i);
                ScDockerImage *image = g_new0(ScDockerImage, 1);
                g_ptr_array_add(images, image);
                if (!JSON_NODE_HOLDS_OBJECT(node)) {
                        sc_throw(error, SC_ERROR_CORRUPT, "Element %u of the archive's manifest.json is not an object", i);
                        return NULL;
                }
                if (!read_image(image, json_node_get_object(node), max_layers, error)) {
                        sc_prefix(error, "The archive's manifest.json cannot be used");
                        return NULL;
                }
        }
        return g_steal_pointer(&images);
}

/* What is written short is of Docker's own registry there, and of no registry here. */
static char *full_name(const char *name)
{
        g_autoptr(ScReference) reference = sc_reference_parse(name, NULL);
        if (reference == NULL || reference->host != NULL)
                return g_strdup(name);
        return g_strconcat("docker.io/", strchr(reference->path, '/') == NULL ? "library/" : "", name, NULL);
}

static const char *find_tag(const ScDockerImage *image, const char *name)
{
        g_autofree char *full = full_name(name);
        for (char **tag = image->tags; *tag != NULL; tag++) {
                g_autofree char *other = full_name(*tag);
                if (strcmp(full, other) == 0)
                        return *tag;
        }
        return NULL;
}

static char *list_names(const GPtrArray *images)
{
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        guint shown = 0;
        for (guint i = 0; i < images->len; i++)
                for (char **tag = ((const ScDockerImage *)images->pdata[i])->tags; *tag != NULL && shown < MAX_SHOWN;
                     tag++, shown++)
                        g_strv_builder_add(builder, *tag);
        g_auto(GStrv) names = g_strv_builder_end(builder);
        return shown > 0 ? g_strjoinv(", ", names) : g_strdup("none with a name");
}

const ScDockerImage *sc_docker_list_choose(const GPtrArray *images, const char *name, const char **ret_name, GError **error)
{
        for (guint i = 0; i < images->len; i++) {
                const ScDockerImage *image = images->pdata[i];
                *ret_name = name != NULL ? find_tag(image, name) : image->tags[0];
                if (name != NULL ? *ret_name != NULL : images->len == 1)
                        return image;
        }
        g_autofree char *there = list_names(images);
        if (name != NULL)
                sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found in the archive; there is: %s", name, there);
        else
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                         "The archive has %u images: write which behind its path, as in PATH:NAME:TAG; there is: %s", images->len,
                         there);
        return NULL;
}

char *sc_docker_repositories_name(const char *text, gsize size)
{
        g_autoptr(JsonObject)
                object = sc_json_parse_object(text, (gssize)size, SC_MANIFEST_MAX_SIZE, "archive's repositories", NULL);
        g_autoptr(GList) names = object != NULL ? json_object_get_members(object) : NULL;
        if (names == NULL || names->next != NULL)
                return NULL;
        JsonObject *tags = NULL;
        if (!sc_json_get_object(object, names->data, SC_JSON_REQUIRED, &tags, NULL))
                return NULL;
        g_autoptr(GList) words = json_object_get_members(tags);
        if (words == NULL || words->next != NULL)
                return NULL;
        g_autofree char *name = g_strconcat(names->data, ":", words->data, NULL);
        return canonical(name);
}
