/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "systemd-bus.h"
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>

#define CAP(x) (UINT64_C(1) << (x))
/* To read and to make files of all owners. */
#define CAPS_CONFINED (CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_FOWNER) | CAP(CAP_FSETID))

/* systemd puts its own variables for ${NAME} in the words of a command line (systemd.service(5)). */
static int append_word(Message *message, const char *word)
{
        g_auto(GStrv) parts = g_strsplit(word, "$", -1);
        g_autofree char *escaped = g_strjoinv("$$", parts);
        return sd_bus_message_append(message, "s", escaped);
}

static int append_words(Message *message, char *const *argv)
{
        int r = sd_bus_message_open_container(message, 'a', "s");
        for (char *const *word = argv; r >= 0 && *word != NULL; word++)
                r = append_word(message, *word);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

int sc_systemd_append_command(Message *message, const char *property, char *const *argv, bool may_fail)
{
        int r;
        if ((r = sd_bus_message_open_container(message, 'r', "sv")) < 0 ||
            (r = sd_bus_message_append(message, "s", property)) < 0 ||
            (r = sd_bus_message_open_container(message, 'v', "a(sasb)")) < 0 ||
            (r = sd_bus_message_open_container(message, 'a', "(sasb)")) < 0 ||
            (r = sd_bus_message_open_container(message, 'r', "sasb")) < 0 ||
            (r = sd_bus_message_append(message, "s", argv[0])) < 0 || (r = append_words(message, argv)) < 0 ||
            (r = sd_bus_message_append(message, "b", may_fail)) < 0)
                return r;
        for (unsigned i = 0; i < 4; i++)
                if ((r = sd_bus_message_close_container(message)) < 0)
                        return r;
        return 0;
}

static int append_list(Message *message, const char *property, const char *const *words)
{
        int r;
        if ((r = sd_bus_message_open_container(message, 'r', "sv")) < 0 ||
            (r = sd_bus_message_append(message, "s", property)) < 0 ||
            (r = sd_bus_message_open_container(message, 'v', "as")) < 0 ||
            (r = sd_bus_message_append_strv(message, (char **)words)) < 0 || (r = sd_bus_message_close_container(message)) < 0)
                return r;
        return sd_bus_message_close_container(message);
}

/* Names of users are the host's: what is packed for another one goes by numbers, which is what programs use that know no names. */
static int append_confinement(Message *message, const char *writable)
{
        int r = append_list(message, "ReadWritePaths", (const char *const[]){writable, NULL});
        if (r < 0)
                return r;
        return sd_bus_message_append(message, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "ProtectSystem", "s", "strict",
                                     "PrivateNetwork", "b", 1, "PrivateDevices", "b", 1, "PrivateTmp", "b", 1, "NoNewPrivileges",
                                     "b", 1, "CapabilityBoundingSet", "t", CAPS_CONFINED, "RestrictNamespaces", "t", UINT64_C(0),
                                     "ProtectProc", "s", "invisible", "ProtectKernelTunables", "b", 1, "ProtectControlGroups", "b",
                                     1, "TasksMax", "t", UINT64_C(512), "BindReadOnlyPaths", "a(ssbt)", 2, "/dev/null",
                                     "/etc/passwd", 0, UINT64_C(0), "/dev/null", "/etc/group", 0, UINT64_C(0));
}

/* skopeo makes a user namespace for itself where it misses one of these, though it only reads. */
#define CAPS_STORAGE (CAPS_CONFINED | CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_SETFCAP) | CAP(CAP_MKNOD))
static const char *const storage[] = {"-/var/lib/containers/storage", "-/run/containers/storage", NULL};

static int append_storage_rights(Message *message)
{
        int r = append_list(message, "ReadWritePaths", storage);
        if (r >= 0)
                r = append_list(message, "SystemCallArchitectures", (const char *const[]){"native", NULL});
        return r < 0 ? r
                     : sd_bus_message_append(
                               message, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "ProtectSystem", "s", "strict",
                               "ProtectHome", "s", "yes", "PrivateNetwork", "b", 1, "DevicePolicy", "s", "closed", "PrivateTmp",
                               "b", 1, "NoNewPrivileges", "b", 1, "CapabilityBoundingSet", "t", CAPS_STORAGE, "RestrictNamespaces",
                               "t", (uint64_t)CLONE_NEWNS, "RestrictAddressFamilies", "(bas)", 1, 1, "AF_UNIX", "SystemCallFilter",
                               "(bas)", 1, 2, "@system-service", "@mount", "ProtectKernelTunables", "b", 1, "ProtectKernelModules",
                               "b", 1, "ProtectControlGroups", "b", 1, "LockPersonality", "b", 1);
}

static int append_output(Message *message, const ScSystemdCommand *command)
{
        if (command->output_fd < 0)
                return 0;
        int error_fd = command->error_fd != NULL ? *command->error_fd : command->output_fd;
        return sd_bus_message_append(message, "(sv)(sv)", "StandardOutputFileDescriptor", "h", command->output_fd,
                                     "StandardErrorFileDescriptor", "h", error_fd);
}

static int append_properties(Message *message, gconstpointer data)
{
        const ScSystemdCommand *command = data;
        int r = sd_bus_message_append(message, "(sv)(sv)(sv)(sv)(sv)", "Type", "s", "oneshot", "CollectMode", "s",
                                      "inactive-or-failed", "TimeoutStartUSec", "t", (uint64_t)command->seconds * G_USEC_PER_SEC,
                                      "TimeoutStopUSec", "t", (uint64_t)G_USEC_PER_SEC, "DefaultDependencies", "b", 0);
        if (r >= 0 && command->environment != NULL)
                r = append_list(message, "Environment", command->environment);
        if (r >= 0 && command->input_fd > 0)
                r = sd_bus_message_append(message, "(sv)", "StandardInputFileDescriptor", "h", command->input_fd);
        if (r >= 0)
                r = append_output(message, command);
        if (r >= 0 && command->rights == SC_SYSTEMD_RIGHTS_STORAGE)
                r = append_storage_rights(message);
        if (r >= 0 && command->writable != NULL)
                r = append_confinement(message, command->writable);
        return r < 0 ? r : sc_systemd_append_command(message, "ExecStart", command->argv, false);
}

bool sc_systemd_run(ScSystemd *systemd, const ScSystemdCommand *command, GCancellable *cancellable, bool *ret_success,
                    GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot run %s", command->unit);
        g_autoptr(Message) reply = NULL;
        g_autoptr(GError) local = NULL;
        if (!sc_systemd_start_transient(systemd, command->unit, append_properties, command, what, &reply, error))
                return false;
        ScSystemdWait wait = {command->unit, "run", G_MAXUINT64, cancellable};
        bool success = sc_systemd_wait_for_job(systemd, reply, &wait, &local);
        /* what the program said, and not what became of the job otherwise */
        if (!success && (systemd->result == NULL || strcmp(systemd->result, "failed") != 0)) {
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        *ret_success = success;
        return true;
}
