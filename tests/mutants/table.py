# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is taken out of the code, and the test that must notice. Names are those of the tables in docs/reliability.md."""

from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    file: str
    old: str      # stands exactly once in the file
    new: str      # in its place: the code as if nobody had thought of it
    program: str  # of tests/unit
    test: str     # a function in it; with "/ROW" that row of its table


def of(file, program, *mutants):
    return [Mutant(name, file, old, new, program, test) for name, test, old, new in mutants]


# ---- hostile images ----

# That a tar is cut off in a file is seen twice, there and at the next header: one of the two can be taken out without a trace.
TAR = of(
    "daemon/store/tar.c", "test-layer",
    ("'..' in a path", "test_hostile", "if (size == 2 && at[0] == '.' && at[1] == '.') {", "if (false) {"),
    ("'..' in a hardlink's target", "test_hostile", "entry->link = normalise(archive_entry_hardlink(from), error);",
     "entry->link = g_strdup(archive_entry_hardlink(from));"),
    ("absolute paths, './', '//'", "test_paths_are_normalised", "if (size > 0 && !(size == 1 && at[0] == '.')) {", "if (true) {"),
    ("names of more than 255 bytes", "test_hostile", "if (size > MAX_NAME) {", "if (false) {"),
    ("paths of more than 4,095 bytes", "test_hostile", "if (path->len > MAX_PATH) {", "if (false) {"),
    ("symlink targets of more than 4,095 bytes", "test_hostile", "strlen(target) > MAX_PATH || ", ""),
    ("names that are not UTF-8", "test_hostile", "if (!g_utf8_validate(name, -1, NULL)) {", "if (false) {"),
    ("symlink targets that are not UTF-8", "test_hostile", " || !g_utf8_validate(target, -1, NULL))", ")"),
    ("symlink targets that are empty", "test_hostile", "target == NULL || *target == '\\0' || ", ""),
    ("what libarchive could not convert", "test_hostile", "if (code != ARCHIVE_OK)\n                return fail(tar, error);\n        if (++tar",
     "if (code < ARCHIVE_WARN)\n                return fail(tar, error);\n        if (++tar"),
    ("owners that are negative", "test_hostile", "if (uid < 0 || ", "if ("),
    ("owners above 32 bit", "test_hostile", "uid >= G_MAXUINT32 || ", ""),
    ("groups above 32 bit", "test_hostile", " || gid >= G_MAXUINT32)", ")"),
    ("files larger than MaxLayerSize=, also with holes", "test_limits", "if ((guint64)size > tar->limits.max_size - tar->size)", "if (false)"),
    ("more entries than two million", "test_limits", "if (++tar->entries > tar->limits.max_entries) {", "if (false) {"),
    ("data of a sparse file outside of it", "test_hostile",
     "if (offset < 0 || (guint64)offset < tar->file_done || (guint64)offset > tar->file_size ||\n            size > tar->file_size - (guint64)offset) {",
     "if (false) {"),
    ("headers of more than 8 MiB", "test_hostile", "if (tar->in_headers && tar->headers_size > MAX_HEADERS_SIZE)", "if (false)"),
    ("device nodes and fifos", "test_what_is_left_out", "entry->type = SC_TAR_OMITTED;\n                return true;",
     "entry->type = SC_TAR_FILE;\n                entry->meta.mode = S_IFREG | mode;"),
    ("set-id bits are kept", "test_same_as_libostree", "guint32 mode = archive_entry_mode(from) & 07777;", "guint32 mode = archive_entry_mode(from) & 0777;"),
    ("attributes of overlayfs and of the host's security modules", "test_xattrs",
     "(g_str_has_prefix(xattr, \"user.\") || strcmp(xattr, \"security.capability\") == 0)", "true"),
    ("attributes of more than 64 KiB", "test_hostile", "return total <= MAX_XATTRS_SIZE || ", "return true || "),
)

TREE = of(
    "daemon/store/layer-tree.c", "test-layer",
    ("a file below a symlink, a file or a device of the same layer", "test_hostile", "if (child->type != SC_NODE_FOLDER) {",
     "if (child->type != SC_NODE_FOLDER)\n                        child = sc_node_put(parent, path, SC_NODE_FOLDER);\n                if (false) {"),
    ("hardlinks out of the image, or through a symlink", "test_hostile", "if (target == NULL || target->type == SC_NODE_FOLDER)",
     "if (target == NULL)\n                return true;\n        if (target->type == SC_NODE_FOLDER)"),
    ("hardlinks to a folder", "test_hostile", "if (target == NULL || target->type == SC_NODE_FOLDER)", "if (target == NULL)"),
    ("a hardlink to a symlink is one", "test_hostile", "        node->symlink = symlink;\n", ""),
    ("a root that is a symlink or a file", "test_hostile", "if (entry->type != SC_TAR_FOLDER)", "if (false)"),
    ("what names cost in memory", "test_limits", "if (NODE_COST + size > *room)", "if (false)"),
    ("what attributes cost in memory", "test_limits", "take_room(room, sc_object_meta_size(&entry->meta), error)", "take_room(room, 0, error)"),
    ("what folders cost that a path implies", "test_limits", "if (!take_room(room, strlen(path), error))", "if (false)"),
)

MERGE = of(
    "daemon/store/merge.c", "test-merge",
    ("a file below what is a symlink in a lower layer", "test_upper_over_lower",
     "if (folder == NULL || folder->type != SC_NODE_FOLDER)\n                folder = sc_node_put", "if (folder == NULL)\n                folder = sc_node_put"),
    ("whiteouts hit lower layers", "test_whiteouts", "sc_node_remove(folder, entry.name + strlen(WHITEOUT));", ";"),
    ("opaque whiteouts hit lower layers", "test_whiteouts", "sc_node_remove_children(folder);", ";"),
    ("whiteouts are not checked out", "test_whiteouts_that_climb", "*ret = !g_str_has_prefix(name, WHITEOUT);", "*ret = true;"),
    ("entries named '..' in another tool's layer", "test_impossible_entries", "            strcmp(name, \"..\") == 0 || ", "            "),
    ("entries named '.' in another tool's layer", "test_impossible_entries", " || strcmp(name, \".\") == 0 ||\n", " ||\n"),
    ("entries with a slash in another tool's layer", "test_impossible_entries", " || strchr(name, '/') != NULL", ""),
    ("entries without a name in another tool's layer", "test_impossible_entries", "if (*name == '\\0' || strlen(name) > MAX_NAME", "if (strlen(name) > MAX_NAME"),
    ("names of more than 255 bytes in another tool's layer", "test_impossible_entries", " || strlen(name) > MAX_NAME", ""),
    ("paths of layers that become too long in another's folder", "test_impossible_entries", " || merge->path->len + 1 + strlen(name) > MAX_PATH)", ")"),
    ("the folder of a damaged entry is named", "test_damaged_folder",
     "if (!read_entry(merge, entries, i, &entry, error))", "if (!sc_folder_entry(entries, i, &entry, error))"),
    ("an image of too many entries", "test_more_entries_than_an_image_has", "if (merge->nodes > MAX_NODES)", "if (false)"),
)

# Where an entry's begin, end and offsets are looked at, only the address sanitizer can notice what is missing.
FOLDER = of(
    "daemon/store/folder-object.c", "test-folder-object",
    ("checksums of the wrong size in another tool's layer", "test_checksums_of_another_length", "end - begin == sizeof(ScDigest)", "true"),
    ("names that are not UTF-8 in another tool's layer", "test_names_that_are_no_text",
     " ||\n            !g_utf8_validate((const char *)entry, (gssize)name_end - 1, NULL))", ")"),
    ("names without an end", "test_damaged_entries", " || memchr(entry, '\\0', name_end) != entry + name_end - 1", ""),
    ("a name that ends behind its entry", "test_a_name_that_leaves_its_entry", " || name_end > last", ""),
    ("entries that end behind their array", "test_damaged_arrays", "ret->end > size - width || ", ""),
    ("a rest that is no offset", "test_damaged_arrays", " || (size - ret->end) % width != 0", ""),
    ("files that end behind their object", "test_damaged_arrays", "(folders <= end || throw_damaged(error))", "true"),
)

CHECKOUT = of(
    "daemon/store/checkout.c", "test-checkout",
    ("an image without files", "test_no_files_and_one_chunk", "if (last_chunk_end(&checkout) < files->len)", "if (true)"),
    ("the last files", "test_large_folders", "if (last_chunk_end(&checkout) < files->len)", "if (false)"),
)

PRIVILEGED = of(
    "daemon/store/tree-file.c", "test-merge",
    ("set-id files are listed", "test_files_without_a_checkout", "(mode & (S_ISUID | S_ISGID)) == 0 && ", ""),
    ("files with capabilities are listed", "test_files_without_a_checkout", "found = found || strcmp(name, \"security.capability\") == 0;", ""),
)

INFLATE = of(
    "daemon/store/inflate.c", "test-inflate",
    ("a gzip bomb, against MaxLayerSize=", "test_limit", "if (size > inflate->max - inflate->bytes_out)", "if (false)"),
    ("a stream that is cut off", "test_truncated", "if (inflate->state != SC_DECODER_END) {", "if (false) {"),
    ("a compression that is not what the media type says", "test_media_type",
     "if ((inflate->expected != NULL || inflate->plain_expected) && inflate->class", "if (false && inflate->class"),
) + of(
    "daemon/store/decoder-zstd.c", "test-inflate",
    ("a zstd frame with a huge window", "test_huge_window", "decoder->between = true;\n        return decoder;",
     "ZSTD_DCtx_setParameter(decoder->stream, ZSTD_d_windowLogMax, 31);\n        decoder->between = true;\n        return decoder;"),
) + of(
    "daemon/store/decoder-gzip.c", "test-inflate-zlib",
    ("garbage behind a gzip stream", "test_trailing_garbage", "if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)",
     "if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR && stream->total_out > 0)"),
)

LAYER = of(
    "daemon/store/layer.c", "test-layer",
    ("a tar with another digest than the configuration's", "test_wrong_diff_id", "if (!layer->has_diff_id || ", "if (true || "),
    ("a layer larger than MaxLayerSize=, before a byte is inflated", "test_limits", "if (layer->size > work->import->limits.max_layer_size)", "if (false)"),
) + of(
    "daemon/store/layer.c", "test-space",
    ("what was written on a full disk is removed at once", "a_bomb_of_small_files", "&& g_atomic_int_get(&import->no_space) == 0;", ";"),
) + of(
    "daemon/store/writer.c", "test-space",
    ("the disk's reserve, for small files", "a_bomb_of_small_files", " && sc_staging_check_space(writers->staging, &error);", ";"),
) + of(
    "daemon/store/large-file.c", "test-space",
    ("the disk's reserve, for large files", "a_bomb_of_one_file", " && sc_staging_check_space(file->staging, error);", ";"),
) + of(
    "daemon/store/staging.c", "test-space",
    ("min-free-space-* of the repository", "a_bomb_of_one_file", "if ((guint64)st.f_bavail * st.f_frsize > staging->reserved_space)", "if (true)"),
    ("1,024 inodes stay free", "inodes_stay_free", "if (st.f_files > 0 && st.f_favail <= (staging->reserved_space > 0 ? RESERVED_INODES : 0))", "if (false)"),
)

MANIFEST = of(
    "daemon/registry/manifest.c", "test-manifest",
    ("more layers than MaxLayers=", "refuses_an_image", "if (length > max_layers)", "if (false)"),
    ("a manifest that is an index, too", "refuses_what_is_neither", "if (image == index)", "if (image == index && !image)"),
    ("a manifest whose mediaType is not what it is", "refuses_what_is_neither", "if (named != kind)", "if (false)"),
    ("a manifest that is not what the registry says", "refuses_what_is_neither", "if (!vague && said != kind)", "if (false)"),
    ("sizes of layers that overflow together", "refuses_an_image", "if (descriptor.size > G_MAXINT64 - total)", "if (false)"),
    ("a configuration of many megabytes", "refuses_an_image", "if (descriptor.size > SC_CONFIG_MAX_SIZE)", "if (false)"),
    ("an index's manifest of many megabytes", "refuses_an_index", "if (descriptor.size > SC_MANIFEST_MAX_SIZE)", "if (false)"),
    ("an index of too many entries", "bounds_the_entries_of_an_index", "if (length > MAX_INDEX_ENTRIES)", "if (false)"),
    ("digests that are paths", "refuses_an_image", "if (sc_digest_parse(text, ret, &problem))", "if (sc_digest_parse(text, ret, &problem) || true)"),
    ("layers of an unknown media type", "refuses_an_image", "if (g_strv_contains(layer_types, media_type))", "if (true)"),
    ("HTML for a manifest", "refuses_what_is_neither", "if (!vague && g_str_has_prefix(content_type, \"text/\"))", "if (false)"),
) + of(
    "daemon/registry/image-config.c", "test-manifest",
    ("fewer or more diff_ids than layers", "refuses_a_configuration", "if (g_strv_length(texts) != info->layers->len)",
     "if (g_strv_length(texts) < info->layers->len)"),
    ("two diff_ids for one layer", "wants_one_diff_id_for_a_layer_that_stands_there_twice", "if (earlier != NULL && ", "if (false && "),
) + of(
    "daemon/base/json.c", "test-manifest",
    ("sizes that are negative", "refuses_an_image", "if (value < 0)\n                return wrong_type(key, \"a positive integer\", error);", ""),
) + of(
    "daemon/base/json.c", "test-base",
    ("JSON nested deeper than 64 levels", "json_is_bounded_and_typed", "if (++depth > SC_JSON_MAX_DEPTH)", "if (++depth > 1000000)"),
    ("JSON larger than it may be", "json_is_bounded_and_typed", "if (length > max) {", "if (false) {"),
    ("comments that hide brackets from the count", "json_is_bounded_and_typed", "c == '\\0' || strchr(\" \\t\\r\\n:,+-.0123456789eEtrufalsn\", c) == NULL", "false"),
)

# ---- registries that are broken or hostile ----

FETCH = of(
    "daemon/registry/fetch.c", "test-registry",
    ("a blob broken off goes on with Range", "pulls/cut-once", "guint64 asked = g_hash_table_contains(fetch->whole, fetch->location) ? 0 : fetch->received;",
     "guint64 asked = 0;"),
    ("a server that ignores Range", "pulls/refuse-range", "                *ret_start = 0;\n", "                *ret_start = asked;\n"),
    ("a wrong Content-Range", "pulls/wrong-range", " || start < 0 || (guint64)start != asked)", ")"),
    ("416 for the rest", "pulls/unsatisfiable-range", "        g_hash_table_add(fetch->whole, fetch->location);\n", ""),
    ("a wrong total in Content-Range", "refuses/wrong-total", "if (total >= 0 && !check_total(fetch, (guint64)total, error))", "if (false)"),
    ("a wrong Content-Length", "refuses/lying-length", "if (total == fetch->target->size)", "if (true)"),
    ("more bytes than the manifest says", "refuses/extra-bytes", "if (n > fetch->target->size - fetch->received)", "if (false)"),
    ("fewer bytes than the manifest says", "refuses/ends-early", "if (fetch->received < fetch->target->size)", "if (false)"),
    ("another digest", "refuses/wrong-digest", "if (sc_digest_equal(&computed, fetch->target->digest))", "if (true)"),
    ("other content for the rest", "refuses/changed", "if (sc_digest_equal(&computed, fetch->target->digest))", "if (true)"),
    ("BandwidthLimit=", "keeps_to_its_bandwidth", "if (pause <= 0)", "if (true)"),
) + of(
    "daemon/registry/blob.c", "test-registry",
    ("a registry that is faster than the disk", "does_not_run_ahead_of_its_reader", "while (download->queued + size > QUEUE_LIMIT && ", "while (false && "),
) + of(
    "daemon/registry/client.c", "test-registry",
    ("a manifest of another digest than was asked for", "checks_a_manifest_against_the_digest_asked_for",
     "if (wanted->digest == NULL || sc_digest_equal(wanted->digest, computed))", "if (true)"),
    ("a manifest of another size than the index says", "checks_a_manifest_against_the_digest_asked_for",
     "if (wanted->size != 0 && size != wanted->size)", "if (false)"),
    ("a manifest that is not what Docker-Content-Digest says", "refuses/wrong-digest-header", "sc_digest_equal(&digest, computed))\n                return true;\n        g_autofree char *is = sc_digest_to_string(computed), *should = sc_digest_to_string(&digest);",
     "true)\n                return true;\n        g_autofree char *is = sc_digest_to_string(computed), *should = sc_digest_to_string(&digest);"),
    ("a configuration too large to be kept in memory", "bounds_a_configuration", "if (size > SC_CONFIG_MAX_SIZE)", "if (false)"),
)

REQUEST = of(
    "daemon/registry/request.c", "test-registry",
    ("manifests of 100 MB", "refuses/stall-behind-huge-manifest", "if (body->len > max)", "if (false)"),
    ("a byte now and then for ever", "refuses/trickle", "if (n == 0 || sc_patience_measure(", "if (n == 0 || true || sc_patience_measure("),
    ("a manifest of a byte now and then", "refuses/trickle-manifest", "if (n == 0 || sc_patience_measure(", "if (n == 0 || true || sc_patience_measure("),
    ("a certificate that nobody signed", "refuses_a_certificate_that_nobody_signed", "return sc_certs_vouch(location->certs, certificate, identity);", "return TRUE;"),
    ("redirects in a loop", "refuses/redirect-loop", "hops <= MAX_REDIRECTS; hops++", "true; hops++"),
    ("redirects from https to http", "does_not_follow_from_https_to_http",
     "if (g_str_equal(g_uri_get_scheme(target), \"http\") && !g_str_equal(g_uri_get_scheme(origin), \"http\")) {", "if (false) {"),
    ("redirects to another host take no token along", "pulls/redirect-other-host", " && same_origin(uri, get->origin))\n                soup_message_headers_replace(headers, \"Authorization\"",
     ")\n                soup_message_headers_replace(headers, \"Authorization\""),
    ("a token service's redirect takes no password along", "is_turned_away",
     " && same_origin(uri, get->origin))\n                soup_message_headers_replace(headers, \"Authorization\"",
     ")\n                soup_message_headers_replace(headers, \"Authorization\""),
    ("a redirect of who brings an identity token", "is_turned_away", "if (get->form != NULL)\n                        return sc_throw", "if (false)\n                        return sc_throw"),
    ("a login that another host wishes for", "refuses/redirect-401", " && came_from(&answer, uri)) {", ") {"),
    ("a token service on plain http", "refuses/401-plain-realm",
     "if (g_str_equal(g_uri_get_scheme(realm), \"http\") && !sc_endpoint_allows_plain(attempt->location->endpoint, realm)) {", "if (false) {"),
    ("a password over plain http", "lets_no_password_out", "if (sc_endpoint_may_send_login(attempt->location->endpoint, registry, receiver))", "if (true)"),
    ("a token of 100 kB", "refuses/401-stall-behind-huge-token", "SC_TOKEN_ANSWER_MAX_SIZE, what, attempt->patience", "10000000, what, attempt->patience"),
    ("a login that was refused is not shown again", "shows_a_refused_login_once", "if (refused != NULL && g_str_has_prefix(refused, \"Basic \"))", "if (false)"),
) + of(
    "daemon/registry/endpoint.c", "test-registry",
    ("who gets the password when TLS is dropped", "lets_nobody_choose_who_gets_the_password", "return !downgrade && ", "return "),
    ("who gets the password of an unverified registry", "lets_nobody_choose_who_gets_the_password",
     "sc_endpoint_may_see_login(endpoint, registry) && ", ""),
    ("a host that begins as localhost does", "trusts_only_whom_it_may", "return sc_reference_is_loopback(&reference) || sc_endpoint_allows_unverified(endpoint, uri);",
     "return g_str_has_prefix(host, \"localhost\") || sc_reference_is_loopback(&reference) || sc_endpoint_allows_unverified(endpoint, uri);"),
) + of(
    "daemon/registry/address.c", "test-registry",
    ("redirects to nowhere", "refuses/redirect-nowhere", "text != NULL ? g_uri_parse_relative(base, text,", "true ? g_uri_parse_relative(base, text != NULL ? text : \"\","),
    ("redirects to file:", "refuses/redirect-file-host",
     "bool http = uri != NULL && (g_str_equal(g_uri_get_scheme(uri), \"https\") || g_str_equal(g_uri_get_scheme(uri), \"http\"));", "bool http = uri != NULL;"),
    ("redirects with a login in the URL", "refuses/redirect-login", " || g_uri_get_userinfo(uri) != NULL)", ")"),
) + of(
    "daemon/registry/http.c", "test-registry",
    ("a TLS handshake that falls silent", "ends_half_a_handshake", "g_timeout_source_new((guint)CLAMP(limit / 1000, 1, G_MAXINT));", "g_timeout_source_new(G_MAXINT);"),
    ("answers of 1xx without an end", "refuses/endless-continue", "if (++wait->informational > MAX_INFORMATIONAL)", "if (false)"),
)

PATIENCE = of(
    "daemon/registry/trouble.c", "test-registry",
    ("429 with Retry-After", "comes_again_when_told/429-retry-after", "if (status == 429) {\n                sc_patience_ask(patience, retry_after(message));", "if (status == 429) {"),
    ("5xx with Retry-After", "comes_again_when_told/503-retry-date", "if (status >= 500) {\n                sc_patience_ask(patience, retry_after(message));", "if (status >= 500) {"),
    ("Retry-After as a date", "comes_again_when_told/503-retry-date", "return date != NULL ? MAX(g_date_time_difference(date, now), 0) : 0;", "return 0;"),
    ("500 every third time", "pulls/500-every-third", "        if (status >= 500) {\n", "        if (status > 500) {\n"),
) + of(
    "daemon/registry/patience.c", "test-registry",
    ("Retry-After of an hour", "refuses/429-in-an-hour", " || pause >= budget_left(patience)) {", ") {"),
    ("Attempts= without progress", "refuses/500", "if (patience->made >= patience->attempts || ", "if ("),
    ("two minutes without a byte", "gives_up_within_two_minutes", "return CLAMP(limit, 0, MAX(budget_left(patience), 0));", "return limit;"),
    ("a byte with each attempt is no progress", "counts_attempts_without_progress", "patience->made = patience->advanced >= PROGRESS ? 0 : patience->made + 1;",
     "patience->made = patience->advanced > 0 ? 0 : patience->made + 1;"),
    ("MinimumRate=", "measures_the_rate", "if (!enough)\n                patience->advanced = 0;\n        return enough;", "return true;"),
)

AUTH = of(
    "daemon/registry/auth.c", "test-auth",
    ("a WWW-Authenticate without an end", "bounds_a_challenge", "if (strnlen(header, MAX_HEADER + 1) > MAX_HEADER)", "if (false)"),
    ("control characters in WWW-Authenticate", "refuses_a_challenge", "if (g_ascii_iscntrl(*c))\n                        return NULL;", ""),
    ("a token with line ends", "refuses_a_token", "if (token == NULL || !is_bearer_token(token))", "if (token == NULL)"),
    ("a token that lives for ever", "reads_a_token", "(guint)CLAMP(seconds, MIN_TOKEN_SECONDS, MAX_TOKEN_SECONDS);", "(guint)MIN(seconds, G_MAXUINT);"),
    ("a challenge that asks for more than reading the image", "asks_for_what_it_needs", "\"repository:%s:pull\"", "\"repository:%s:pull,push\""),
) + of(
    "daemon/registry/printable.c", "test-auth",
    ("escapes to the terminal in what a registry says", "shows_hostile_text", "if (!g_ascii_isprint(shown->str[i]))", "if (false)"),
) + of(
    "daemon/registry/neighbour.c", "test-neighbour",
    ("a registry of another user's on loopback", "whom_to_trust", "return uid <= SYSTEM_UID_MAX || ", "return true || "),
    ("a connection that nobody has accepted yet", "finds_who_is_there", "search->peer = PEER_OWNED;\n        else", "search->peer = PEER_OWNED;\n        else if (true)\n                search->peer = PEER_OWNED;\n        else"),
    ("who closed his end is not who listens", "finds_who_is_there", "line->state == STATE_ESTABLISHED || line->state == STATE_SYN_RECV ?", "true ?"),
    ("who listens in the same table", "finds_who_is_there", "search->peer = PEER_NONE;\n        search->listener = (Listener){0};", "search->peer = PEER_NONE;"),
    ("who listens on [::] need not listen for IPv4", "finds_who_is_there", "if (found == 0 && (at == 0) == is_ipv4)", "if (found == 0 && search.listener.is_there)"),
    ("sockets with others beneath", "sockets_with_others_beneath", " && sockets != 0;", " && sockets > 1;"),
    ("of who listens the one that is trusted least", "finds_who_is_there", "if (listens && (!listener->is_there || !sc_neighbour_is_trusted(line->uid)))", "if (listens)"),
)

# ---- objects on their way ----

STAGING = of(
    "daemon/store/staging.c", "test-staging",
    ("what was interrupted before the repository had its folder", "test_staging_is_adopted", "!is_left && g_atomic_int_get(&folder->stored)", "g_atomic_int_get(&folder->stored)"),
)

# ---- jobs ----

WORKER = of(
    "daemon/job/protocol.c", "test-protocol",
    ("the last words of a worker that did not listen", "last_words_of_one_that_did_not_listen_are_heard", "return errno == EINTR || errno == ECONNRESET;",
     "return errno == EINTR;"),
    ("U+FFFE in a worker's text", "texts_can_go_over_a_bus", "return (c & 0xFFFE) == 0xFFFE || ", "return "),
    ("U+FDD0 in a worker's text", "texts_can_go_over_a_bus", " || (c >= 0xFDD0 && c <= 0xFDEF);", ";"),
    ("a daemon that does not listen is not gone", "who_does_not_take_it_is_busy", "if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))", "if (false)"),
)

HANDOVER = of(
    "daemon/job/handover.c", "test-handover",
    ("a line of a record that was not written to its end", "half_a_line_is_none", " && lseek(handover->record_fd, at - text, SEEK_SET) >= 0)", ")"),
    ("a record that many joins fill", "record_has_a_bound", "job->state == SC_JOB_CANCELLING ? MAX_RECORD : MAX_RECORD / 2", "MAX_RECORD"),
    ("what follows a pull, and the pull", "latest_stage_comes_first", "g_ptr_array_sort(list, latest_first);", ""),
    ("a record with a line that nobody knows", "unknown_line_makes_no_sense", "return sc_throw(error, SC_ERROR_CORRUPT, \"A record of a job has an unknown line\");",
     "return true;"),
) + of(
    "daemon/job/job.c", "test-handover",
    ("a cancellation in a record", "last_lines_count", "if (cancelling)\n                job->state = SC_JOB_CANCELLING;", ""),
) + of(
    "daemon/job/queue.c", "test-queue",
    ("a cancellation that a restart has to know", "what_a_restart_has_to_know_is_written_down", "set_state(entry, SC_JOB_CANCELLING);\n                sc_handover_renew(job);",
     "set_state(entry, SC_JOB_CANCELLING);"),
    ("a caller who joins a job, and a restart", "what_a_restart_has_to_know_is_written_down", "if (is_new)\n                sc_handover_renew(job);", ""),
    ("the record of a job that is over", "what_a_restart_has_to_know_is_written_down", "        sc_handover_drop(entry->job->id);\n", ""),
    ("an adopted job that was cancelled", "adopted_job_stays_cancelled", "if (job->state != SC_JOB_CANCELLING)\n                job->state = SC_JOB_RUNNING;",
     "job->state = SC_JOB_RUNNING;"),
    ("a cancellation that is said again", "running_job_is_asked_to_end", "} else if (job->state == SC_JOB_CANCELLING && entry->stage != NULL) {", "} else if (false) {"),
)

RUNNING_UNIT = of(
    "daemon/job/running-unit.c", "test-running-unit",
    ("a start whose answer was lost", "who_took_the_request_is_not_started_again", "if (!is_silence(refused))", "if (true)"),
    ("a bus that could not start systemd", "who_took_the_request_is_not_started_again", "return g_str_has_prefix(name, \"Spawn.\");", "return false;"),
    ("whoever has the name of a start without an answer", "start_without_an_answer_is_looked_into", "if (is_open && is_there) {", "if (false) {"),
    ("nobody took the request of a start without an answer", "start_without_an_answer_is_looked_into", "if (is_open)\n                start_later(unit);",
     "if (false)\n                start_later(unit);"),
    ("who took it is not started again", "who_took_the_request_is_not_started_again", "unit->owner->trace(unit->data) == SC_WORKER_UNSEEN &&", "true &&"),
    ("who has ended was started", "who_has_ended_was_started", "refused != NULL && unit->owner->trace(unit->data) != SC_WORKER_DONE;", "refused != NULL;"),
    ("a name that is taken", "name_that_is_taken_is_waited_for", "if (!sd_bus_error_has_name(refused, SYSTEMD \".UnitExists\") || ", "if (true || "),
    ("one that was prepared is not tried again", "one_that_is_not_wanted_yet_is_tried_once", "is_missing && unit->insists &&", "is_missing &&"),
    ("one that is to stop is not started", "one_that_is_to_stop_is_not_started_again", "        if (unit->stops)\n", "        if (false)\n"),
    ("a stop that was not heard", "stop_is_said_until_it_is_heard", "if (!is_answer(sd_bus_message_get_error(reply)) && ", "if (false && "),
    ("a look without an answer", "looked_for_until_there_is_an_answer", "if (sd_bus_is_open(unit->bus) > 0)\n                        look_later(unit);", ";"),
    ("what is there and should not be", "what_is_there_is_left_or_stopped", "} else if (unit->stop_if_there) {", "} else if (false) {"),
    ("what is there and should be", "what_is_there_is_left_or_stopped", "} else if (unit->stop_if_there) {", "} else {"),
)

MUTANTS = TAR + TREE + MERGE + FOLDER + CHECKOUT + PRIVILEGED + INFLATE + LAYER + MANIFEST + FETCH + REQUEST + PATIENCE + AUTH + WORKER + HANDOVER + RUNNING_UNIT + STAGING
