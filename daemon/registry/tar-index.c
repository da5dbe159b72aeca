/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tar-index.h"

#include "base/error.h"
#include "base/path.h"
#include "printable.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, MAX_ENTRIES = 20000, MAX_EXTENSION = 64 * 1024, MAX_HOPS = 16, MAX_NAME = 1024 };

/* As POSIX has it (IEEE Std 1003.1, pax), with GNU's magic besides. */
typedef struct {
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, linkname[100], magic[6], version[2],
                uname[32], gname[32], devmajor[8], devminor[8], prefix[155], rest[12];
} Header;
G_STATIC_ASSERT(sizeof(Header) == BLOCK);

typedef struct {
        guint64 offset, size;
        char *link; /* the name, within the archive, that this one stands for; NULL: it is a file */
} Entry;

struct ScTarIndex {
        int fd;
        GHashTable *entries; /* clean relative names to Entry */
};

typedef struct {
        ScTarIndex *index;
        const ScTarFeed *feed; /* NULL: the file is whole */
        guint64 at, end;       /* of the file */
        guint count;
        /* Of extensions, for the next entry; NULL, false: none. */
        char *name, *link;
        bool has_size;
        guint64 size;
} Scan;

static void entry_free(gpointer data)
{
        Entry *entry = data;
        g_free(entry->link);
        g_free(entry);
}

static void forget_extensions(Scan *scan)
{
        g_clear_pointer(&scan->name, g_free);
        g_clear_pointer(&scan->link, g_free);
        scan->has_size = false;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scan, forget_extensions)

static bool read_at(const Scan *scan, guint64 at, void *buffer, gsize size, GError **error)
{
        const ScExtent all = {.fd = scan->index->fd, .offset = at, .size = size};
        g_autofree char *data = NULL;
        if (at > scan->end || size > scan->end - at)
                return sc_throw(error, SC_ERROR_CORRUPT, "The archive ends in the middle of an entry: it is truncated");
        if ((scan->feed != NULL && !scan->feed->fill(scan->feed->data, at, size, error)) ||
            !sc_extent_read(&all, size, "archive", &data, error))
                return false;
        memcpy(buffer, data, size);
        return true;
}

/* ---- a header ---- */

static bool parse_octal(const char *field, gsize size, guint64 *ret)
{
        guint64 value = 0;
        gsize i = 0;
        while (i < size && field[i] == ' ')
                i++;
        for (; i < size && field[i] >= '0' && field[i] <= '7'; i++) {
                if (value > (G_MAXUINT64 >> 3))
                        return false;
                value = value << 3 | (guint64)(field[i] - '0');
        }
        for (; i < size; i++)
                if (field[i] != ' ' && field[i] != '\0')
                        return false;
        *ret = value;
        return true;
}

static bool parse_number(const char *field, gsize size, guint64 *ret)
{
        const guint8 *bytes = (const guint8 *)field;
        if ((bytes[0] & 0x80) == 0)
                return parse_octal(field, size, ret);
        guint64 value = bytes[0] & 0x7f;
        for (gsize i = 1; i < size; i++) {
                if (value > (G_MAXUINT64 >> 8))
                        return false;
                value = value << 8 | bytes[i];
        }
        *ret = value;
        return true;
}

static bool has_right_checksum(const Header *header)
{
        const guint8 *bytes = (const guint8 *)header;
        gsize from = G_STRUCT_OFFSET(Header, checksum), to = from + sizeof(header->checksum);
        guint64 sum = 0, said;
        for (gsize i = 0; i < sizeof(*header); i++)
                sum += i >= from && i < to ? ' ' : bytes[i];
        return parse_octal(header->checksum, sizeof(header->checksum), &said) && said == sum;
}

static char *header_name(const Header *header)
{
        g_autofree char *name = g_strndup(header->name, sizeof(header->name));
        /* GNU's own format has other things in the prefix. */
        if (memcmp(header->magic, "ustar\0", 6) != 0 || header->prefix[0] == '\0')
                return g_steal_pointer(&name);
        g_autofree char *prefix = g_strndup(header->prefix, sizeof(header->prefix));
        return g_strconcat(prefix, "/", name, NULL);
}

/* ---- names ---- */

/* Without "./" and slashes at the end; NULL: it is the archive's top. False: it is absolute, or climbs. */
static bool clean_name(const char *name, char **ret)
{
        g_auto(GStrv) parts = g_strsplit(name, "/", -1);
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        *ret = NULL;
        if (*name == '/' || strlen(name) > MAX_NAME)
                return false;
        for (char **part = parts; *part != NULL; part++) {
                if (strcmp(*part, "..") == 0)
                        return false;
                if (**part != '\0' && strcmp(*part, ".") != 0)
                        g_strv_builder_add(builder, *part);
        }
        g_auto(GStrv) kept = g_strv_builder_end(builder);
        if (kept[0] != NULL)
                *ret = g_strjoinv("/", kept);
        return true;
}

static bool bad_name(const char *name, GError **error)
{
        g_autofree char *shown = sc_printable(name);
        return sc_throw(error, SC_ERROR_CORRUPT, "The entry '%s' of the archive leads out of it", shown);
}

/* A symlink's target counts from its folder, and may climb as far as the archive's top. */
static bool resolve_symlink(const char *name, const char *target, char **ret)
{
        g_autoptr(GPtrArray) kept = g_ptr_array_new();
        g_autofree char *folder = g_path_get_dirname(name);
        g_autofree char *path = g_strconcat(folder, "/", target, NULL);
        g_auto(GStrv) parts = g_strsplit(path, "/", -1);
        if (*target == '/' || strlen(path) > MAX_NAME)
                return false;
        for (char **part = parts; *part != NULL; part++) {
                if (**part == '\0' || strcmp(*part, ".") == 0)
                        continue;
                if (strcmp(*part, "..") != 0) {
                        g_ptr_array_add(kept, *part);
                        continue;
                }
                if (kept->len == 0)
                        return false;
                g_ptr_array_set_size(kept, (gint)kept->len - 1);
        }
        g_ptr_array_add(kept, NULL);
        *ret = g_strjoinv("/", (char **)kept->pdata);
        return true;
}

/* ---- extensions ---- */

static bool read_extension(const Scan *scan, guint64 size, char **ret, GError **error)
{
        if (size > MAX_EXTENSION)
                return sc_throw(error, SC_ERROR_CORRUPT, "The archive has a header of %" G_GUINT64_FORMAT " bytes", size);
        g_autofree char *data = g_malloc0((gsize)size + 1);
        if (!read_at(scan, scan->at, data, (gsize)size, error))
                return false;
        *ret = g_steal_pointer(&data);
        return true;
}

static bool is_key(const char *record, gsize size, const char *key)
{
        return size == strlen(key) && memcmp(record, key, size) == 0;
}

static bool take_pax_record(Scan *scan, const char *key, gsize key_size, const char *value, gsize value_size, GError **error)
{
        g_autofree char *text = g_strndup(value, value_size);
        if (is_key(key, key_size, "path")) {
                g_free(scan->name);
                scan->name = g_steal_pointer(&text);
        } else if (is_key(key, key_size, "linkpath")) {
                g_free(scan->link);
                scan->link = g_steal_pointer(&text);
        } else if (is_key(key, key_size, "size")) {
                scan->has_size = g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &scan->size, NULL);
                return scan->has_size || sc_throw(error, SC_ERROR_CORRUPT, "The archive has an entry of an impossible size");
        } else if (key_size > strlen("GNU.sparse.") && memcmp(key, "GNU.sparse.", strlen("GNU.sparse.")) == 0) {
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "The archive has sparse files: make it without them");
        }
        return true;
}

/* "LENGTH KEY=VALUE\n", LENGTH counting all of it. */
static bool take_pax_records(Scan *scan, const char *data, gsize size, GError **error)
{
        for (gsize at = 0; at < size;) {
                guint64 length = 0;
                gsize digits = 0;
                while (digits < 8 && at + digits < size && g_ascii_isdigit(data[at + digits]))
                        length = length * 10 + (guint64)(data[at + digits++] - '0');
                const char *record = data + at + digits + 1;
                const char *equals = digits > 0 && length > digits + 2 && length <= size - at && record[-1] == ' ' &&
                                                     data[at + length - 1] == '\n'
                                             ? memchr(record, '=', length - digits - 2)
                                             : NULL;
                if (equals == NULL)
                        return sc_throw(error, SC_ERROR_CORRUPT, "The archive has a damaged extended header");
                const char *end = data + at + length - 1;
                if (!take_pax_record(scan, record, (gsize)(equals - record), equals + 1, (gsize)(end - equals - 1), error))
                        return false;
                at += length;
        }
        return true;
}

static bool take_extension(Scan *scan, char type, guint64 size, GError **error)
{
        g_autofree char *data = NULL;
        if (type == 'g')
                return true; /* defaults for all entries: a comment, as git has it */
        if (!read_extension(scan, size, &data, error))
                return false;
        if (type == 'x')
                return take_pax_records(scan, data, (gsize)size, error);
        char **field = type == 'L' ? &scan->name : &scan->link;
        g_free(*field);
        *field = g_steal_pointer(&data);
        return true;
}

/* ---- entries ---- */

static bool add(Scan *scan, const char *name, guint64 size, const char *link, GError **error)
{
        Entry *entry = g_new0(Entry, 1);
        entry->offset = scan->at;
        entry->size = size;
        entry->link = g_strdup(link);
        if (g_hash_table_insert(scan->index->entries, g_strdup(name), entry))
                return true;
        g_autofree char *shown = sc_printable(name);
        return sc_throw(error, SC_ERROR_CORRUPT, "The archive has the entry '%s' twice", shown);
}

static bool add_link(Scan *scan, const Header *header, const char *name, GError **error)
{
        g_autofree char *target = scan->link != NULL ? g_strdup(scan->link) : g_strndup(header->linkname, sizeof(header->linkname));
        g_autofree char *resolved = NULL;
        bool ok = header->type == '1' ? clean_name(target, &resolved) : resolve_symlink(name, target, &resolved);
        /* One that leads nowhere is a matter of whoever follows it. */
        return add(scan, name, 0, ok && resolved != NULL ? resolved : "", error);
}

static bool take_entry(Scan *scan, const Header *header, guint64 size, GError **error)
{
        g_autofree char *raw = scan->name != NULL ? g_strdup(scan->name) : header_name(header), *name = NULL;
        if (!clean_name(raw, &name))
                return bad_name(raw, error);
        if (header->type == 'S')
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "The archive has sparse files: make it without them");
        if (name == NULL)
                return true;
        if (header->type == '1' || header->type == '2')
                return add_link(scan, header, name, error);
        bool is_file = header->type == '0' || header->type == '\0' || header->type == '7';
        /* Before there was a type for folders. */
        return !is_file || g_str_has_suffix(raw, "/") || add(scan, name, size, NULL, error);
}

static bool is_extension(char type)
{
        return type == 'x' || type == 'g' || type == 'L' || type == 'K';
}

/* Of links and the like the size is none, whatever stands there. */
static bool has_content(char type)
{
        return type != '1' && type != '2' && type != '3' && type != '4' && type != '5' && type != '6';
}

static bool take_header(Scan *scan, const Header *header, GError **error)
{
        guint64 size;
        if (!has_right_checksum(header) || !parse_number(header->size, sizeof(header->size), &size))
                return sc_throw(error, SC_ERROR_CORRUPT, "It is no tar archive, or a damaged one (at byte %" G_GUINT64_FORMAT ")",
                                scan->at - BLOCK);
        if (++scan->count > MAX_ENTRIES)
                return sc_throw(error, SC_ERROR_CORRUPT, "The archive has more than %d entries", MAX_ENTRIES);
        bool extends = is_extension(header->type);
        if (!extends && scan->has_size)
                size = scan->size;
        if (!has_content(header->type))
                size = 0;
        if (size > scan->end - scan->at)
                return sc_throw(error, SC_ERROR_CORRUPT,
                                "An entry of the archive has %" G_GUINT64_FORMAT " bytes, and only %" G_GUINT64_FORMAT
                                " follow: it is truncated",
                                size, scan->end - scan->at);
        if (!(extends ? take_extension(scan, header->type, size, error) : take_entry(scan, header, size, error)))
                return false;
        if (!extends)
                forget_extensions(scan);
        scan->at += size + (BLOCK - size % BLOCK) % BLOCK;
        return true;
}

static bool is_end(const Header *header)
{
        static const Header zero;
        return memcmp(header, &zero, sizeof(zero)) == 0;
}

static bool scan_all(Scan *scan, GCancellable *cancellable, GError **error)
{
        for (;;) {
                Header header;
                if (sc_cancelled(cancellable, error) || !read_at(scan, scan->at, &header, sizeof(header), error))
                        return false;
                scan->at += BLOCK;
                if (is_end(&header))
                        return true;
                if (!take_header(scan, &header, error))
                        return false;
        }
}

static bool check_file(int fd, guint64 *ret_size, GError **error)
{
        struct stat st;
        ScExtentKind kind;
        const char *suffix;
        if (fstat(fd, &st) < 0)
                return sc_throw_errno(error, "Cannot look at the archive");
        if (!S_ISREG(st.st_mode))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The archive is not a regular file");
        if (st.st_size < BLOCK)
                return sc_throw(error, SC_ERROR_CORRUPT, "It is no archive: it has %" G_GINT64_FORMAT " bytes", (gint64)st.st_size);
        const ScExtent all = {.fd = fd, .size = (guint64)st.st_size};
        if (!sc_extent_kind(&all, "archive", &kind, &suffix, error))
                return false;
        *ret_size = (guint64)st.st_size;
        /* Only a plain one can be read in any order. */
        return kind == SC_EXTENT_PLAIN ||
               sc_throw(error, SC_ERROR_UNSUPPORTED,
                        "The archive is compressed (%s): decompress it, or give its plain bytes through a pipe", suffix + 1);
}

ScTarIndex *sc_tar_index_new(int fd, GCancellable *cancellable, GError **error)
{
        g_autoptr(ScTarIndex) index = g_new0(ScTarIndex, 1);
        index->fd = fd;
        index->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
        g_auto(Scan) scan = {.index = index};
        if (!check_file(fd, &scan.end, error) || !scan_all(&scan, cancellable, error))
                return NULL;
        return g_steal_pointer(&index);
}

/* Of what streams nothing is known before, and what is compressed is no header. */
ScTarIndex *sc_tar_index_new_fed(int fd, const ScTarFeed *feed, GCancellable *cancellable, GError **error)
{
        g_autoptr(ScTarIndex) index = g_new0(ScTarIndex, 1);
        index->fd = fd;
        index->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
        g_auto(Scan) scan = {.index = index, .feed = feed, .end = G_MAXINT64};
        return scan_all(&scan, cancellable, error) ? g_steal_pointer(&index) : NULL;
}

void sc_tar_index_free(ScTarIndex *index)
{
        if (index == NULL)
                return;
        g_hash_table_unref(index->entries);
        g_free(index);
}

bool sc_tar_index_find(const ScTarIndex *index, const char *name, ScExtent *ret, GError **error)
{
        g_autofree char *clean = NULL, *shown = sc_printable(name);
        if (!clean_name(name, &clean) || clean == NULL)
                return bad_name(name, error);
        const char *at = clean;
        for (guint hops = 0; hops <= MAX_HOPS; hops++) {
                const Entry *entry = g_hash_table_lookup(index->entries, at);
                if (entry == NULL)
                        return sc_throw(error, SC_ERROR_NOT_FOUND, "The archive has no entry '%s'", shown);
                if (entry->link == NULL) {
                        *ret = (ScExtent){.fd = index->fd, .offset = entry->offset, .size = entry->size};
                        return true;
                }
                at = entry->link;
                if (*at == '\0')
                        return sc_throw(error, SC_ERROR_CORRUPT, "The link '%s' leads out of the archive", shown);
        }
        return sc_throw(error, SC_ERROR_CORRUPT, "The link '%s' of the archive goes round in circles", shown);
}
