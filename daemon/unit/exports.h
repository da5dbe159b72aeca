/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an image says of itself in /exports: manifest.json and the templates. Everything is read through a reader, so that a plan
 * can be made from the repository before anything is checked out. */

#include "base/json.h"

/* Reads "manifest.json" (relative to /exports): true and *ret_text NULL where there is no such file. */
typedef bool (*ScExportsRead)(gpointer source, const char *name, char **ret_text, GError **error);

typedef struct {
        bool present;         /* the image has /exports at all */
        GHashTable *defaults; /* defaultValues, as strings */
        GHashTable *renames;  /* renameFiles: path below hostfs ("/etc/x.conf") -> template of the destination */
        char **rendered;      /* installedFilesTemplate: paths below hostfs whose content is a template; empty vector if none */
        bool no_service;      /* noContainerService */
        bool use_links;       /* useLinks, true unless said otherwise */
        char *service;        /* text of service.template; NULL: none */
        char *tmpfiles;       /* text of tmpfiles.template; NULL: none */
        char *config;         /* text of config.json.template, or else of config.json; NULL: none */
        bool config_is_template;
        char *rpm_spec; /* text of rpm.spec.template, or else of rpm.spec; NULL: none */
        bool rpm_spec_is_template;
} ScExports;

/* A malformed manifest.json is Corrupt; texts over 1 MiB, too. */
ScExports *sc_exports_load(ScExportsRead read, gpointer source, bool present, GError **error);
void sc_exports_free(ScExports *exports);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScExports, sc_exports_free)

/* Reader for a root file system on disk (source: pointer to an int, its descriptor). Symlinks are followed inside of it, as in a
 * merged tree. */
bool sc_exports_read_rootfs(gpointer source, const char *name, char **ret_text, GError **error);

/* Variables that the templates use and that have no default and are not set by the system: sorted. Host files that are
 * templates are not looked at. */
char **sc_exports_required(const ScExports *exports);
