/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* how deep objects and arrays may be allowed to nest: json-glib recurses without limit */
#define WEIR_JSON_DEPTH_MAX 64
/* the limit's name in weir.conf(5) */
#define WEIR_LIMIT_JSON_DEPTH "json-depth"

/**
 * weir_json_check:
 * @depth_max: at most WEIR_JSON_DEPTH_MAX
 *
 * Whether @text is one JSON value (RFC 8259) and nothing else, and one that every reader
 * understands alike: valid UTF-8, nested at most @depth_max deep, no key twice in an
 * object, no lone surrogate, no NUL in a string, no integer beyond 18 digits. Does not recurse.
 *
 * Returns: FALSE with G_IO_ERROR_INVALID_DATA, of what is nested too deep G_IO_ERROR_NO_SPACE,
 *   whose message says what and at which byte
 */
gboolean weir_json_check (const gchar *text, gsize size, guint depth_max, GError **error);

/* Returns: (transfer full): the value of a text that passed the check */
JsonNode *weir_json_parse (GBytes *text, guint depth_max, GError **error);

G_END_DECLS
