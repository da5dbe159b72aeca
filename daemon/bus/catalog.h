/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is on disk, as the bus shows it: containers by name, images by id. Its files, catalog*.c, are the one place of bus/ that
 * reads store/. It is re-read when the checkout path or the repository's refs change (100 ms after the first change), and on
 * demand; listeners hear the differences. Values of containers are not kept: they can be passwords. */

#include "base/config.h"
#include "base/digest.h"
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
        char *name;
        char *path;     /* of the live deployment on disk */
        char *image;    /* name as installed; "" where it is not known, as are the other texts */
        char *revision; /* what it calls the image that it is made of, hex */
        char *image_id; /* the image's id here, where there is one of that revision; else the revision */
        int64_t created;
        char *command;
        char *runtime;
        char *unit; /* NAME.service */
        int slot;
        char *previous_revision;
        char *previous; /* image id, "": nothing to roll back to */
        int preinstalled;
        bool has_service;
        char *broken; /* why, NULL: it is not */
        bool has_remote_rootfs;
} ScCatalogContainer;

typedef struct {
        char *id;
        char *commit;
        char manifest[SC_DIGEST_HEX_SIZE]; /* its digest, "": the image is not described */
        char *undescribed; /* the commit of a name that another program pulled, and no worker has looked at yet; NULL: none */
        char **names;
        char *digest;
        int64_t created;
        uint64_t size, virtual_size;
        GHashTable *labels;
        char **layers;
        GHashTable *defaults;
        char **required;
        char **digests, **sources; /* of each name, as in ScImage */
        char **used_by;
        int dangling;
} ScCatalogImage;

/* A blob in the repository: a layer, or the configuration of an image. */
typedef struct {
        char *digest;     /* "sha256:HEX" */
        int64_t imported; /* seconds */
        uint64_t size;    /* bytes as fetched; 0: unknown */
        char **images;    /* ids of those that hold it, sorted */
} ScCatalogBlob;

typedef struct ScCatalog ScCatalog;

/* The catalog holds the new state when any of these is called. properties: names as in the D-Bus contract. */
typedef struct {
        void (*container_added)(gpointer data, const ScCatalogContainer *container);
        void (*container_changed)(gpointer data, const ScCatalogContainer *container, char **properties);
        void (*container_removed)(gpointer data, const char *name);
        void (*image_added)(gpointer data, const ScCatalogImage *image);
        void (*image_changed)(gpointer data, const ScCatalogImage *image, char **properties);
        void (*image_removed)(gpointer data, const char *id);
        void (*repository_changed)(gpointer data);
} ScCatalogSink;

/* Empty until the first refresh. config and sink must outlive it. */
ScCatalog *sc_catalog_new(const ScConfig *config, const ScCatalogSink *sink, gpointer data);
void sc_catalog_free(ScCatalog *catalog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScCatalog, sc_catalog_free)

/* Reads the disk now. What cannot be read is left as it was, with a line in the journal. */
void sc_catalog_refresh(ScCatalog *catalog);

const char *sc_catalog_repository(ScCatalog *catalog); /* "" where there is none yet */
ScCatalogContainer *sc_catalog_container(ScCatalog *catalog, const char *name);
ScCatalogImage *sc_catalog_image(ScCatalog *catalog, const char *id);
/* All of them, id to ScCatalogImage; the catalog's own, until the next refresh. */
GHashTable *sc_catalog_images(ScCatalog *catalog);
/* By canonical name. */
ScCatalogImage *sc_catalog_image_named(ScCatalog *catalog, const char *name);
/* Where a name came from, as in ScImage; "": unknown. */
const char *sc_catalog_image_source(const ScCatalogImage *image, const char *name);
/* The names of the image that are meant by a name (then that one alone) or a digest (base/image-name.h), maybe none; free with
 * g_strfreev. */
char **sc_catalog_image_meant(const ScCatalogImage *image, const char *text);
/* By any name, by digest, or by at least four digits of an id. NotFound; InvalidArgument where the prefix fits several. */
ScCatalogImage *sc_catalog_image_find(ScCatalog *catalog, const char *name_or_id, GError **error);
/* Sorted; the keys of the tables, to be freed by g_free only. */
const char **sc_catalog_container_names(ScCatalog *catalog);
const char **sc_catalog_image_ids(ScCatalog *catalog);

/* Elements are ScCatalogBlob, in the order of their digests; read when asked for the first time after a refresh. */
GPtrArray *sc_catalog_blobs(ScCatalog *catalog, GError **error);

/* Read from disk when asked. */
GHashTable *sc_catalog_read_values(ScCatalog *catalog, const char *container, GError **error);
/* Whether there is anything of commands that run once, of running ones or of abandoned ones. */
bool sc_catalog_has_commands(ScCatalog *catalog);
/* Containers with an unfinished operation; NULL-terminated, free with g_strfreev. */
char **sc_catalog_unfinished(ScCatalog *catalog);
/* An operation on the container has left its intent. */
bool sc_catalog_is_interrupted(ScCatalog *catalog, const char *container);
/* Whether anything of a container or an image is recorded as mounted. */
bool sc_catalog_has_mounts(ScCatalog *catalog);
