/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the catalog holds, made of what store/ has read. */

#include "bus/catalog.h"
#include "store/deployment.h"
#include "store/image-list.h"
#include "store/layer-list.h"

ScCatalogContainer *sc_catalog_container_new(const ScDeployment *deployment);
/* As it was before it was linked. */
ScCatalogContainer *sc_catalog_container_copy(const ScCatalogContainer *container);
void sc_catalog_container_free(gpointer container);
ScCatalogImage *sc_catalog_image_new(const ScImage *source);
void sc_catalog_image_free(gpointer image);

/* Tells images and containers of each other: who is made of what. Tables as the catalog's. */
void sc_catalog_link(GHashTable *containers, GHashTable *images);

/* Of pointers to texts. */
int sc_catalog_compare_texts(gconstpointer a, gconstpointer b);

/* Elements are ScCatalogBlob, one for each of the ScBlobs. */
GPtrArray *sc_catalog_blobs_new(GPtrArray *blobs, GHashTable *images);
