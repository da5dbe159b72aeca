/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* limits FOLDER LAYER...: what this machine can do with the layers (gzip or zstd) of an image, each alone, in seconds, one a line:
 * fetching is not here. FOLDER is on the disk that counts; what is made in it stays, for the caller to remove.
 *
 *   inflate       all of them, one core: ISA-L for gzip, libzstd for zstd
 *   sha256-packed, sha256-tar   by libcrypto, one core
 *   create        each file of them with its size, one core, in 256 folders, as a repository has them
 *   sync          and then all of it to the disk
 *   link          a hardlink to each, on two threads, in folders as full as those of the image
 *   files, packed, tar   not seconds, but how many of what */

#define _GNU_SOURCE

#include <archive.h>
#include <archive_entry.h>
#include <err.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

enum { CHUNK = 256 * 1024, FOLDERS = 256, LINKERS = 2 };

typedef struct {
        char *data;
        size_t size;
} Bytes;

typedef struct {
        size_t size;
        size_t folder; /* of the layers' */
} File;

static File *files;
static size_t n_files, n_folders;

static double now(void)
{
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static Bytes read_file(const char *path)
{
        struct stat st;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                err(1, "%s", path);
        Bytes bytes = {malloc((size_t)st.st_size), (size_t)st.st_size};
        for (size_t at = 0; at < bytes.size;) {
                ssize_t n = read(fd, bytes.data + at, bytes.size - at);
                if (n <= 0)
                        err(1, "%s", path);
                at += (size_t)n;
        }
        close(fd);
        return bytes;
}

static size_t inflate_gzip(Bytes packed, char *chunk)
{
        static struct inflate_state state;
        isal_inflate_init(&state);
        state.crc_flag = ISAL_GZIP;
        state.next_in = (uint8_t *)packed.data;
        state.avail_in = (uint32_t)packed.size;
        size_t total = 0;
        do {
                state.next_out = (uint8_t *)chunk;
                state.avail_out = CHUNK;
                if (isal_inflate(&state) != ISAL_DECOMP_OK)
                        errx(1, "broken gzip");
                total += CHUNK - state.avail_out;
        } while (state.block_state != ISAL_BLOCK_FINISH);
        return total;
}

static size_t inflate_zstd(Bytes packed, char *chunk)
{
        ZSTD_DStream *stream = ZSTD_createDStream();
        ZSTD_inBuffer in = {packed.data, packed.size, 0};
        size_t total = 0, r;
        do {
                ZSTD_outBuffer out = {chunk, CHUNK, 0};
                r = ZSTD_decompressStream(stream, &out, &in);
                if (ZSTD_isError(r))
                        errx(1, "broken zstd");
                total += out.pos;
        } while (r > 0);
        ZSTD_freeDStream(stream);
        return total;
}

static void hash(const char *data, size_t size, size_t times)
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        EVP_DigestInit_ex(context, EVP_sha256(), NULL);
        for (; times > 0; times--)
                EVP_DigestUpdate(context, data, size);
        EVP_DigestFinal_ex(context, digest, NULL);
        EVP_MD_CTX_free(context);
}

typedef struct {
        char *path;
        size_t number;
} Folder;

static int compare_folders(const void *a, const void *b)
{
        return strcmp(((const Folder *)a)->path, ((const Folder *)b)->path);
}

/* The number of the folder that the path lies in. */
static size_t folder_of(const char *path)
{
        static void *folders;
        const char *slash = strrchr(path, '/');
        Folder *folder = malloc(sizeof *folder);
        *folder = (Folder){.path = strndup(path, slash != NULL ? (size_t)(slash - path) : 0), .number = n_folders};
        Folder *found = *(Folder **)tsearch(folder, &folders, compare_folders);
        if (found == folder)
                return n_folders++;
        free(folder->path);
        free(folder);
        return found->number;
}

static void list_files(Bytes packed)
{
        struct archive *archive = archive_read_new();
        struct archive_entry *entry;
        archive_read_support_filter_all(archive);
        archive_read_support_format_tar(archive);
        if (archive_read_open_memory(archive, packed.data, packed.size) != ARCHIVE_OK)
                errx(1, "%s", archive_error_string(archive));
        while (archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
                if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != NULL)
                        continue;
                files = reallocarray(files, n_files + 1, sizeof *files);
                files[n_files++] = (File){(size_t)archive_entry_size(entry), folder_of(archive_entry_pathname(entry))};
        }
        archive_read_free(archive);
}

static void file_name(char ret[64], const char *kind, size_t folder, size_t number)
{
        snprintf(ret, 64, "%s/%02zx/%zu", kind, folder, number);
}

static void make_folders(const char *kind, size_t n)
{
        char name[64];
        if (mkdir(kind, 0755) < 0)
                err(1, "%s", kind);
        for (size_t i = 0; i < n; i++) {
                snprintf(name, sizeof name, "%s/%02zx", kind, i);
                if (mkdir(name, 0755) < 0)
                        err(1, "%s", name);
        }
}

static void create_files(const char *chunk)
{
        char name[64];
        for (size_t i = 0; i < n_files; i++) {
                file_name(name, "files", i % FOLDERS, i);
                int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
                if (fd < 0)
                        err(1, "%s", name);
                for (size_t left = files[i].size; left > 0;) {
                        size_t n = left < CHUNK ? left : CHUNK;
                        if (write(fd, chunk, n) != (ssize_t)n)
                                err(1, "%s", name);
                        left -= n;
                }
                close(fd);
        }
}

/* A folder is one thread's. */
static void *link_files(void *first)
{
        char from[64], to[64];
        for (size_t i = 0; i < n_files; i++) {
                if (files[i].folder % LINKERS != *(size_t *)first)
                        continue;
                file_name(from, "files", i % FOLDERS, i);
                file_name(to, "links", files[i].folder, i);
                if (link(from, to) < 0)
                        err(1, "%s", to);
        }
        return NULL;
}

static void link_all(void)
{
        pthread_t threads[LINKERS];
        size_t first[LINKERS];
        for (size_t i = 0; i < LINKERS; i++) {
                first[i] = i;
                if (pthread_create(&threads[i], NULL, link_files, &first[i]) != 0)
                        errx(1, "no thread");
        }
        for (size_t i = 0; i < LINKERS; i++)
                pthread_join(threads[i], NULL);
}

static void say(const char *what, double since)
{
        printf("%s %.4f\n", what, now() - since);
}

static void sync_folder(void)
{
        int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || syncfs(fd) < 0)
                err(1, "syncfs");
        close(fd);
}

int main(int argc, char **argv)
{
        if (argc < 3)
                errx(2, "limits FOLDER LAYER...");
        size_t n = (size_t)argc - 2, packed = 0, tar = 0;
        Bytes *layers = calloc(n, sizeof *layers);
        char *chunk = calloc(1, CHUNK);
        for (size_t i = 0; i < n; i++) {
                layers[i] = read_file(argv[2 + i]);
                packed += layers[i].size;
                list_files(layers[i]);
        }
        if (chdir(argv[1]) < 0)
                err(1, "%s", argv[1]);

        double begin = now();
        for (size_t i = 0; i < n; i++)
                tar += (unsigned char)layers[i].data[0] == 0x1f ? inflate_gzip(layers[i], chunk) : inflate_zstd(layers[i], chunk);
        say("inflate", begin);
        begin = now();
        for (size_t i = 0; i < n; i++)
                hash(layers[i].data, layers[i].size, 1);
        say("sha256-packed", begin);
        begin = now();
        hash(chunk, CHUNK, tar / CHUNK);
        say("sha256-tar", begin);
        make_folders("files", FOLDERS);
        make_folders("links", n_folders);
        sync_folder();
        begin = now();
        create_files(chunk);
        say("create", begin);
        begin = now();
        sync_folder();
        say("sync", begin);
        begin = now();
        link_all();
        say("link", begin);
        printf("files %zu\npacked %zu\ntar %zu\n", n_files, packed, tar);
        return 0;
}
