/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A tree of folders and files in memory: what a layer's tar describes on its way to a commit, and what an image's layers give when
 * they are merged. */

#include "object.h"

typedef enum {
        SC_NODE_FOLDER,
        SC_NODE_FILE,    /* a regular file or symlink; `file` says which */
        SC_NODE_OMITTED, /* stood in the tar, but is not stored: a device node, fifo or socket */
} ScNodeType;

typedef struct ScNode ScNode;

struct ScNode {
        ScNodeType type;
        bool symlink;         /* of a file */
        bool implied;         /* of a folder: nothing has named it but what lies below it */
        gconstpointer file;   /* of a file; not owned */
        GHashTable *children; /* of a folder: name to ScNode, owned */
        ScObjectMeta meta;    /* of a folder */
        char name[];          /* "" for the root */
};

/* A folder, implied, mode 0755 and owned by root. */
ScNode *sc_node_new_root(void);
void sc_node_free(ScNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScNode, sc_node_free)

/* The child of a folder; NULL where there is none, or parent is no folder. */
ScNode *sc_node_child(const ScNode *parent, const char *name);
/* By a relative path without "." and ".."; "" is the root itself. NULL where there is none. */
ScNode *sc_node_lookup(ScNode *root, const char *path);

/* A new child, replacing one of the same name with all below it. A folder is made as sc_node_new_root() makes it. */
ScNode *sc_node_put(ScNode *parent, const char *name, ScNodeType type);
void sc_node_remove(ScNode *parent, const char *name);
void sc_node_remove_children(ScNode *folder);

/* A folder's metadata from now on, taking what meta owns: it is implied no longer. */
void sc_node_set_meta(ScNode *folder, ScObjectMeta *meta);

/* A folder's children sorted by name (bytes); the nodes are not owned. */
GPtrArray *sc_node_sorted_children(const ScNode *folder);
