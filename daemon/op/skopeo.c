/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "skopeo.h"

#include "base/error.h"
#include "base/path.h"
#include "unit/systemd.h"
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_SECONDS = 24 * 3600, MAX_SAID = 4096 };

typedef struct {
        ScStreamSource source;
        const ScScope *scope;
        char *program;
        char *from;
} Skopeo;

/* One run. The thread waits for the program's end, in a connection to systemd of its own. */
typedef struct {
        ScStream stream;
        const Skopeo *skopeo;
        char *unit;
        GInputStream *output;
        int write_fd, said_fd;
        GCancellable *end; /* of the program */
        GThread *thread;   /* NULL: it has ended, and the next two are known */
        bool success;
        GError *error;
} Run;

static gpointer run_program(gpointer data)
{
        Run *run = data;
        const Skopeo *skopeo = run->skopeo;
        char *const argv[] = {skopeo->program,
                              (char *)"--insecure-policy",
                              (char *)"copy",
                              (char *)"--quiet",
                              skopeo->from,
                              (char *)"docker-archive:/dev/stdout",
                              NULL};
        const ScSystemdCommand command = {
                .unit = run->unit,
                .argv = argv,
                .seconds = MAX_SECONDS,
                .output_fd = run->write_fd,
                .error_fd = &run->said_fd,
                .rights = SC_SYSTEMD_RIGHTS_STORAGE,
        };
        g_autoptr(ScSystemd) systemd = sc_systemd_open(skopeo->scope, &run->error);
        if (systemd != NULL)
                (void)sc_systemd_run(systemd, &command, run->end, &run->success, &run->error);
        /* Whoever reads sees the end now. */
        sc_close(&run->write_fd);
        return NULL;
}

static char *what_it_said(int fd)
{
        g_autofree char *text = g_malloc0(MAX_SAID + 1);
        ssize_t n = pread(fd, text, MAX_SAID, 0);
        g_autofree char *valid = g_utf8_make_valid(n > 0 ? text : "", -1);
        for (char *c = valid; *c != '\0'; c++)
                if (g_ascii_iscntrl(*c))
                        *c = ' ';
        return g_strdup(g_strstrip(valid));
}

/* In the words of github.com/containers/storage and image; others only cost the error's code. */
static bool is_about_a_missing_image(const char *said)
{
        static const char *const words[] = {"does not resolve to an image", "identifier is not an image", "image not known"};
        for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
                if (strstr(said, words[i]) != NULL)
                        return true;
        return false;
}

/* The policy is ours, and has been asked; what skopeo would ask for is the same file. */
static bool check_end(Run *run, GError **error)
{
        if (run->thread != NULL)
                g_thread_join(g_steal_pointer(&run->thread));
        if (run->error != NULL) {
                g_propagate_error(error, g_error_copy(run->error));
                return false;
        }
        if (run->success)
                return true;
        g_autofree char *said = what_it_said(run->said_fd);
        if (is_about_a_missing_image(said))
                return sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found: `podman images` lists those that are there (%s)",
                                run->skopeo->from, said);
        return sc_throw(error, SC_ERROR_FAILED, "skopeo cannot read %s: %s", run->skopeo->from, said);
}

static gssize run_read(ScStream *stream, void *buffer, gsize size, GCancellable *cancellable, GError **error)
{
        Run *run = (Run *)stream;
        gssize n = g_input_stream_read(run->output, buffer, size, cancellable, error);
        return n != 0 || check_end(run, error) ? n : -1;
}

static void run_free(ScStream *stream)
{
        Run *run = (Run *)stream;
        g_cancellable_cancel(run->end);
        g_clear_object(&run->output); /* it finds the pipe broken */
        if (run->thread != NULL)
                g_thread_join(run->thread);
        sc_close(&run->write_fd);
        sc_close(&run->said_fd);
        g_clear_object(&run->end);
        g_clear_error(&run->error);
        g_free(run->unit);
        g_free(run);
}

static ScStream *skopeo_open(ScStreamSource *source, GCancellable *cancellable, GError **error)
{
        int ends[2];
        sc_autofd said = memfd_create("skopeo", MFD_CLOEXEC);
        if (sc_cancelled(cancellable, error))
                return NULL;
        if (said < 0 || pipe2(ends, O_CLOEXEC) < 0) {
                sc_throw_errno(error, "Cannot make a pipe");
                return NULL;
        }
        Run *run = g_new0(Run, 1);
        g_autofree char *random = sc_random_name(16);
        run->stream = (ScStream){run_read, run_free};
        run->skopeo = (const Skopeo *)source;
        run->unit = g_strconcat("sysconsd-skopeo-", random, ".service", NULL);
        run->output = g_unix_input_stream_new(ends[0], TRUE);
        run->write_fd = ends[1];
        run->said_fd = sc_steal_fd(&said);
        run->end = g_cancellable_new();
        run->thread = g_thread_new("skopeo", run_program, run);
        return &run->stream;
}

static void skopeo_free(ScStreamSource *source)
{
        Skopeo *skopeo = (Skopeo *)source;
        g_free(skopeo->program);
        g_free(skopeo->from);
        g_free(skopeo);
}

ScStreamSource *sc_skopeo_new(const ScOpContext *context, const ScReference *reference, GError **error)
{
        const char *prefix = sc_source_facts(reference->source)->prefix;
        if (context->config->scope->kind == SC_SCOPE_USER) {
                sc_throw(error, SC_ERROR_UNSUPPORTED,
                         "The source %s is for root's daemon: write the image into an archive (`podman save`), and pull that",
                         prefix);
                return NULL;
        }
        g_autofree char *program = g_find_program_in_path("skopeo");
        if (program == NULL) {
                sc_throw(error, SC_ERROR_UNSUPPORTED, "The source %s needs skopeo, which is not installed", prefix);
                return NULL;
        }
        Skopeo *skopeo = g_new0(Skopeo, 1);
        skopeo->source = (ScStreamSource){skopeo_open, skopeo_free};
        skopeo->scope = context->config->scope;
        skopeo->program = g_steal_pointer(&program);
        skopeo->from = g_strconcat(prefix, reference->name, NULL);
        return &skopeo->source;
}
