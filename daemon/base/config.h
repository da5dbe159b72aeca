/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* /etc/sysconsd.conf, and drop-ins in /etc/sysconsd.conf.d (*.conf, in the order of their names; later wins); a user's are
 * ~/.config/sysconsd.conf and sysconsd.conf.d beside it. The keys are documented in data/sysconsd.conf and in sysconsd.conf(5). */

#include "scope.h"

typedef struct {
        ScScope *scope; /* whose configuration it is */
        /* [Storage] */
        char *checkout_path;     /* CheckoutPath=; as all of [Storage], the scope has the default */
        char *repository;        /* Repository=; NULL: looked for (see store/repository.h) */
        char *preinstalled_path; /* PreinstalledPath= */
        /* [Container] */
        char *runtime;        /* Runtime=, runc: a name looked up in PATH, or an absolute path */
        guint settling_time;  /* SettlingTime=, 5: seconds a service must stay up after an update */
        guint start_timeout;  /* StartTimeout=, 90: seconds an update waits for the new service to become active */
        bool files_in_homes;  /* HostFilesInHomes=, no: whether workers that install are shown homes */
        char *package_system; /* PackageSystem=, auto: or deb, rpm, none */
        /* [Pull] */
        guint parallel_layers;      /* ParallelLayers=, 3 */
        guint stall_timeout;        /* StallTimeout=, 25: seconds without a byte (the first attempt gets 30) */
        guint attempts;             /* Attempts=, 4 */
        guint64 minimum_rate;       /* MinimumRate=, 1K: bytes a second, on average, below which an attempt is given up; 0: any */
        guint64 bandwidth_limit;    /* BandwidthLimit=, 0: bytes a second of all layers of a pull together; 0: none */
        guint64 max_layer_size;     /* MaxLayerSize=, 64G: inflated bytes of one layer */
        guint64 max_archive_size;   /* MaxArchiveSize=, 64G: bytes of an archive that comes through a pipe */
        guint max_layers;           /* MaxLayers=, 256 */
        char *engine_socket;        /* EngineSocket=, /run/docker.sock: where a Docker engine, or podman's service, answers */
        char **insecure_registries; /* InsecureRegistries=, a list of HOST[:PORT] that may speak plain http */
        /* [Daemon] */
        guint idle_timeout;      /* IdleTimeout=, 0: seconds after which an idle daemon exits; 0: never */
        guint max_jobs;          /* MaxJobs=, 4: running at once */
        guint max_jobs_per_user; /* MaxJobsPerUser=, 32: waiting and running, and requests that wait for a dialog */
        /* Of this process, not of a file. */
        bool homes_are_hidden; /* by the worker's sandbox, which --without-homes tells it */
} ScConfig;

/* So many times the stall_timeout is waited for what comes from a pipe, or a folder's owner: somebody may have to type a password
 * at its other end. */
enum { SC_FILE_PATIENCE = 10 };

/* path NULL: the scope's own place with its drop-ins. A missing file gives the defaults; a bad value is InvalidArgument naming
 * the file, group and key; an unknown key is a warning in the journal. */
ScConfig *sc_config_load_for(ScScopeKind kind, const char *path, GError **error);
/* The system's. */
ScConfig *sc_config_load(const char *path, GError **error);
void sc_config_free(ScConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScConfig, sc_config_free)
