/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysconsd-exec [--terminal] RUNTIME ARGUMENT...: what a container's unit has in front of its runtime.
 *
 * With cgroup v2 a group that has processes cannot have groups below it with controllers, and runc puts a container whose
 * cgroupsPath is relative beside its own group. So the runtime moves into the group `runtime` below the unit's, and the container
 * lies beside it: inside the unit, whose limits bind it and whose status shows it. Then a container of the same name
 * that a SIGKILL left behind is removed, and the runtime executed in this process.
 *
 * --terminal: standard output is a terminal, which becomes standard input and the controlling terminal, too. systemd does that for
 * standard input, but it flushes the terminal each time that it does, and with it what the program has just said.
 *
 * sysconsd-exec RUNTIME kill [OPTION...] ID [SIGNAL]: what its unit has in ExecStop. Where there is no such container (yet, or any
 * more) there is nothing to stop, and that is no failure of the unit: what else belongs to it systemd ends.
 *
 * sysconsd-exec --end PIDFILE: `RUNTIME exec` was ended, and the process that it started in a container may run on: it is killed.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* Where the runtimes look, too. */
#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_UNIFIED CGROUP_ROOT "/unified"
#define GROUP "runtime"

extern char **environ;

static bool is_cgroup_v2(const char *path)
{
        struct statfs fs;
        return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* In the older hierarchies runtimes put a relative path below their own group, as it should be. Where v2 is there as well, below
 * unified/, systemd keeps its books in it, and runc 1.1 takes the container out of the unit: it puts it below the root. So it gets
 * a view of the mounts in which v2 is not there. All other mounts go on being shared with the host. crun has an absolute path (see
 * unit/runtime-config.c), and wants to see v2. */
static const char *hide_unified(const char *runtime)
{
        if (strncmp(strrchr(runtime, '/'), "/crun", 5) == 0 || !is_cgroup_v2(CGROUP_UNIFIED))
                return NULL;
        if (unshare(CLONE_NEWNS) < 0)
                return "make a mount namespace for the runtime";
        if (mount(NULL, CGROUP_ROOT, NULL, MS_PRIVATE, NULL) < 0 || umount2(CGROUP_UNIFIED, MNT_DETACH) < 0)
                return "hide " CGROUP_UNIFIED " from the runtime";
        return NULL;
}

/* The path in the line "0::PATH" of /proc/self/cgroup. */
static bool own_group(char ret[static PATH_MAX])
{
        FILE *file = fopen("/proc/self/cgroup", "re");
        if (file == NULL)
                return false;
        char line[PATH_MAX + 8];
        bool found = false;
        while (!found && fgets(line, sizeof line, file) != NULL) {
                line[strcspn(line, "\n")] = '\0';
                found = strncmp(line, "0::/", 4) == 0 && strlen(line + 3) < PATH_MAX;
                if (found)
                        strcpy(ret, line + 3);
        }
        fclose(file);
        return found;
}

static bool write_string(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
        int saved = errno;
        close(fd);
        errno = saved;
        return ok;
}

static bool is_runtime_group(const char *group)
{
        return strcmp(strrchr(group, '/'), "/" GROUP) == 0;
}

/* The path of a file of a control group. */
typedef char GroupPath[PATH_MAX + 64];

static void group_path(GroupPath ret, const char *group, const char *name)
{
        snprintf(ret, sizeof(GroupPath), CGROUP_ROOT "%s%s", group, name);
}

/* systemd's note that what lies below a group is not its own (CGROUP_DELEGATION, "Three Scenarios"): it starts nothing more in such
 * a group but the unit's main process. */
static bool is_delegated(const char *group)
{
        GroupPath path;
        char value[2];
        group_path(path, group, "");
        return getxattr(path, "trusted.delegate", value, sizeof value) == 1 ||
               getxattr(path, "user.delegate", value, sizeof value) == 1;
}

/* With a controller enabled for what lies below it, and a process there, the kernel lets nobody into the group itself (EBUSY). */
static void close_group(const char *group)
{
        GroupPath path;
        group_path(path, group, "/cgroup.subtree_control");
        if (is_delegated(group) && !write_string(path, "+memory") && !write_string(path, "+io") && !write_string(path, "+pids"))
                (void)write_string(path, "+cpu");
}

/* pids and cpu can be enabled for a group that has a process, if there is none below it; then nobody can enter what is below. */
static void open_group(const char *group)
{
        GroupPath path;
        group_path(path, group, "/cgroup.subtree_control");
        (void)write_string(path, "-pids");
        (void)write_string(path, "-cpu");
}

/* systemd puts a process into its unit's group twice: the process does it before it executes this program, and PID 1 does it again
 * for its child, whenever it gets to run. Where that is late it takes the runtime out of its group, and runc would put the
 * container outside of the unit, where no stop would find it. So the unit's group is closed behind the runtime, and where PID 1 was
 * quicker all is done once more. Where there are no controllers it cannot be closed.
 *
 * Returns what could not be done, with errno; NULL: all is well. */
static const char *enter_runtime_group(const char *runtime)
{
        char group[PATH_MAX], now[PATH_MAX];
        GroupPath path;
        if (!is_cgroup_v2(CGROUP_ROOT))
                return hide_unified(runtime);
        if (!own_group(group))
                return "find the control group of this process";
        if (is_runtime_group(group))
                return NULL;
        group_path(path, group, "/" GROUP);
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
                return "make a control group for the runtime (does the unit say Delegate=yes?)";
        group_path(path, group, "/" GROUP "/cgroup.procs");
        for (int tries = 0; tries < 20; tries++) {
                if (!write_string(path, "0"))
                        return "enter the control group for the runtime (does the unit say Delegate=yes?)";
                close_group(group);
                if (!own_group(now))
                        return "find the control group of this process";
                if (is_runtime_group(now))
                        return NULL;
                open_group(group);
        }
        errno = EBUSY;
        return "stay in the control group for the runtime";
}

/* What becomes of argv[0]: an exit status, 128 and more for a signal, -1 where it did not start. What it says is thrown away, but
 * for what goes to output_fd (-1: nothing does). */
static int run_silently(char **argv, int output_fd)
{
        posix_spawn_file_actions_t actions;
        if (posix_spawn_file_actions_init(&actions) != 0)
                return -1;
        pid_t pid;
        int status = 0;
        bool started = true;
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                started = started && posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0) == 0;
        if (output_fd >= 0)
                started = started && posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO) == 0;
        started = started && posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) == 0;
        posix_spawn_file_actions_destroy(&actions);
        while (started && waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -1;
        return !started ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* `RUNTIME delete ID` without force does nothing to a container that runs; what it says (mostly: there is none) concerns nobody. */
static void remove_stale_container(char *runtime, char *id)
{
        run_silently((char *[]){runtime, (char *)"delete", id, NULL}, -1);
}

/* The first word behind the verb that is no option. */
static char *id_of(int argc, char **argv)
{
        for (int i = 3; i < argc; i++)
                if (argv[i][0] != '-')
                        return argv[i];
        return NULL;
}

/* The answer of `RUNTIME state` (runtime-spec, "State"): as far as it is not known that nothing runs there, it does. */
static bool may_run(char *runtime, char *id)
{
        char text[64 * 1024];
        int fd = memfd_create("state", MFD_CLOEXEC);
        int status = run_silently((char *[]){runtime, (char *)"state", id, NULL}, fd);
        ssize_t size = fd >= 0 ? pread(fd, text, sizeof text - 1, 0) : -1;
        if (fd >= 0)
                close(fd);
        if (status != 0 || size < 0)
                return status < 0;
        text[size] = '\0';
        const char *at = strstr(text, "\"status\"");
        at = at != NULL ? at + strlen("\"status\"") : text + size;
        at += strspn(at, " \t\n:");
        return strncmp(at, "\"stopped\"", strlen("\"stopped\"")) != 0;
}

/* One that is the controlling terminal of a session already stays so: it is not what the caller was to make for this. */
static bool take_terminal(void)
{
        if (getsid(0) != getpid() && setsid() < 0)
                return false;
        return ioctl(STDOUT_FILENO, TIOCSCTTY, 0) == 0 && dup2(STDOUT_FILENO, STDIN_FILENO) >= 0;
}

/* Field 22 of /proc/PID/stat, in clock ticks since boot. The second, in parentheses, may hold anything. */
static bool start_time(pid_t pid, double *ret_seconds)
{
        char path[64], text[4096];
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
        if (fd >= 0)
                close(fd);
        if (size <= 0)
                return false;
        text[size] = '\0';
        const char *at = strrchr(text, ')');
        for (int field = 2; at != NULL && field < 22; field++)
                at = strchr(at + 1, ' ');
        if (at == NULL)
                return false;
        *ret_seconds = (double)strtoull(at + 1, NULL, 10) / (double)sysconf(_SC_CLK_TCK);
        return true;
}

static double seconds(const struct timespec *time)
{
        return (double)time->tv_sec + (double)time->tv_nsec / 1e9;
}

/* The runtime writes the file once the process is there: one that started later has the number of a process that has gone. */
static bool is_process_of(pid_t pid, const struct stat *pid_file)
{
        struct timespec since_boot, today;
        double started;
        if (!start_time(pid, &started) || clock_gettime(CLOCK_BOOTTIME, &since_boot) < 0 ||
            clock_gettime(CLOCK_REALTIME, &today) < 0)
                return false;
        double written = seconds(&pid_file->st_mtim) - (seconds(&today) - seconds(&since_boot));
        return started <= written + 0.02; /* a tick of either clock */
}

static int end_process(const char *pid_file)
{
        char text[32];
        struct stat st;
        int fd = open(pid_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return errno == ENOENT ? EX_OK : EX_NOINPUT;
        ssize_t size = read(fd, text, sizeof text - 1);
        bool known = size > 0 && fstat(fd, &st) == 0;
        close(fd);
        if (!known)
                return EX_DATAERR;
        text[size] = '\0';
        char *end;
        long pid = strtol(text, &end, 10);
        if (end == text || pid <= 1 || pid > INT_MAX)
                return EX_DATAERR;
        /* What is looked at is what is killed. */
        int process = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
        if (process >= 0 && is_process_of((pid_t)pid, &st))
                syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
        return EX_OK;
}

/* What joins a container, ends it, or looks at it needs no group of its own; a word that is none of these may be an option. */
static bool makes_groups(const char *verb)
{
        static const char *const others[] = {"delete", "events", "exec", "features", "kill",  "list",  "pause",
                                             "ps",     "resume", "spec", "start",    "state", "update"};
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
                if (strcmp(verb, others[i]) == 0)
                        return false;
        return true;
}

int main(int argc, char **argv)
{
        if (argc == 3 && strcmp(argv[1], "--end") == 0)
                return end_process(argv[2]);
        bool terminal = argc > 1 && strcmp(argv[1], "--terminal") == 0;
        if (terminal) {
                argc--;
                argv++;
        }
        if (argc < 3 || argv[1][0] != '/') {
                fprintf(stderr, "usage: sysconsd-exec [--terminal] RUNTIME ARGUMENT...\n       sysconsd-exec --end PIDFILE\n"
                                "RUNTIME is an absolute path.\n");
                return EX_USAGE;
        }
        if (terminal && !take_terminal()) {
                fprintf(stderr, "sysconsd-exec: cannot use the terminal: %s; it must have been made for this command\n",
                        strerror(errno));
                return EX_NOPERM;
        }
        char *id = id_of(argc, argv);
        bool kills = strcmp(argv[2], "kill") == 0;
        if (kills && id != NULL && !may_run(argv[1], id)) {
                fprintf(stderr, "sysconsd-exec: no container %s runs: there is nothing to stop\n", id);
                return EX_OK;
        }
        const char *failed = makes_groups(argv[2]) ? enter_runtime_group(argv[1]) : NULL;
        if (failed != NULL)
                fprintf(stderr, "sysconsd-exec: cannot %s: %s; the container may lie outside of its unit\n", failed,
                        strerror(errno));
        /* sysconsd-exec RUNTIME run [OPTION...] ID */
        if (strcmp(argv[2], "run") == 0 && argc > 3 && argv[argc - 1][0] != '-')
                remove_stale_container(argv[1], argv[argc - 1]);
        execv(argv[1], argv + 1);
        int reason = errno;
        fprintf(stderr, "sysconsd-exec: cannot execute %s: %s\n", argv[1], strerror(reason));
        return reason == ENOENT ? 127 : 126;
}
