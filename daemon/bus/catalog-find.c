/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a text means that somebody calls an image by. */

#include "base/error.h"
#include "base/image-name.h"
#include "base/reference.h"
#include "bus/catalog.h"
#include <string.h>

#define MIN_ID_PREFIX 4

ScCatalogImage *sc_catalog_image_named(ScCatalog *catalog, const char *name)
{
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, sc_catalog_images(catalog));
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                ScCatalogImage *image = value;
                if (g_strv_contains((const char *const *)image->names, name))
                        return image;
        }
        return NULL;
}

static bool is_id_prefix(const char *text)
{
        gsize length = strspn(text, "0123456789abcdef");
        return length >= MIN_ID_PREFIX && length <= SC_DIGEST_HEX_SIZE - 1 && text[length] == '\0';
}

const char *sc_catalog_image_source(const ScCatalogImage *image, const char *name)
{
        for (guint i = 0; image->names[i] != NULL; i++)
                if (strcmp(image->names[i], name) == 0)
                        return image->sources[i];
        return "";
}

char **sc_catalog_image_meant(const ScCatalogImage *image, const char *text)
{
        if (g_strv_contains((const char *const *)image->names, text))
                return g_strdupv((char *[]){(char *)text, NULL});
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        for (guint i = 0; image->names[i] != NULL; i++)
                if (sc_image_is_meant(text, image->names[i], image->digests[i], image->id))
                        g_strv_builder_add(names, image->names[i]);
        return g_strv_builder_end(names);
}

static ScCatalogImage *find_meant(ScCatalog *catalog, const char *text)
{
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, sc_catalog_images(catalog));
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                g_auto(GStrv) names = sc_catalog_image_meant(value, text);
                if (names[0] != NULL)
                        return value;
        }
        return NULL;
}

/* A name without a registry is exact here; the one that was probably meant is told. */
static bool throw_not_found(ScCatalog *catalog, const ScReference *reference, GError **error)
{
        g_autofree char *end = g_strconcat("/", reference->name, NULL);
        const char *first = NULL;
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, sc_catalog_images(catalog));
        while (g_hash_table_iter_next(&iter, NULL, &value))
                for (char *const *name = ((const ScCatalogImage *)value)->names; *name != NULL; name++)
                        if (g_str_has_suffix(*name, end) && (first == NULL || strcmp(*name, first) < 0))
                                first = *name;
        if (reference->host != NULL || first == NULL)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found", reference->name);
        return sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found: did you mean %s?", reference->name, first);
}

ScCatalogImage *sc_catalog_image_find(ScCatalog *catalog, const char *name_or_id, GError **error)
{
        g_autoptr(ScReference) reference = sc_reference_parse(name_or_id, NULL);
        ScCatalogImage *found = reference != NULL ? sc_catalog_image_named(catalog, reference->name) : NULL;
        if (found == NULL && reference != NULL)
                found = find_meant(catalog, reference->name);
        if (found == NULL && is_id_prefix(name_or_id)) {
                GHashTableIter iter;
                gpointer value;
                g_hash_table_iter_init(&iter, sc_catalog_images(catalog));
                while (g_hash_table_iter_next(&iter, NULL, &value)) {
                        ScCatalogImage *image = value;
                        if (!g_str_has_prefix(image->id, name_or_id))
                                continue;
                        if (found != NULL) {
                                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "more images matching prefix `%s`", name_or_id);
                                return NULL;
                        }
                        found = image;
                }
        }
        if (found == NULL && reference != NULL)
                throw_not_found(catalog, reference, error);
        else if (found == NULL)
                sc_throw(error, SC_ERROR_NOT_FOUND, "Image of that name not found");
        return found;
}
