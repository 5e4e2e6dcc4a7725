/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/private.h"

#include "base/escape.h"
#include "net/address.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ETAG_LIST_MAX 64

static void
field_clear (gpointer data)
{
  WeirHttpField *field = data;

  g_free (field->name);
  g_free (field->value);
}

static GArray *
fields_new (void)
{
  GArray *fields = g_array_new (FALSE, FALSE, sizeof (WeirHttpField));

  g_array_set_clear_func (fields, field_clear);
  return fields;
}

static void
fields_add (GArray *fields, const gchar *name, const gchar *value)
{
  WeirHttpField field = {g_strdup (name), g_strdup (value)};

  g_array_append_val (fields, field);
}

static WeirHttpField *
fields_find (GArray *fields, const gchar *name, gboolean exact)
{
  for (guint i = 0; i < fields->len; i++) {
    WeirHttpField *field = &g_array_index (fields, WeirHttpField, i);

    if (exact ? strcmp (field->name, name) == 0 : g_ascii_strcasecmp (field->name, name) == 0)
      return field;
  }
  return NULL;
}

/* requests */

WeirHttpRequest *
weir_http_request_new (const gchar *method)
{
  WeirHttpRequest *self = g_new0 (WeirHttpRequest, 1);

  self->method = g_strdup (method);
  self->query = fields_new ();
  self->headers = fields_new ();
  return self;
}

void
weir_http_request_free (WeirHttpRequest *self)
{
  g_free (self->method);
  g_free (self->path);
  g_array_unref (self->query);
  g_array_unref (self->headers);
  g_free (self->host);
  g_free (self->peer);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_free (self);
}

void
weir_http_request_add_header (WeirHttpRequest *self, const gchar *name, const gchar *value)
{
  fields_add (self->headers, name, value);
}

const gchar *
weir_http_request_get_method (WeirHttpRequest *self)
{
  return self->method;
}

const gchar *
weir_http_request_get_path (WeirHttpRequest *self)
{
  return self->path;
}

const gchar *
weir_http_request_get_query (WeirHttpRequest *self, const gchar *name)
{
  WeirHttpField *field = fields_find (self->query, name, TRUE);

  return field ? field->value : NULL;
}

const gchar *
weir_http_request_get_header (WeirHttpRequest *self, const gchar *name)
{
  WeirHttpField *field = fields_find (self->headers, name, FALSE);

  return field ? field->value : NULL;
}

const gchar *
weir_http_request_get_host (WeirHttpRequest *self)
{
  return self->host;
}

const gchar *
weir_http_request_get_peer (WeirHttpRequest *self)
{
  return self->peer;
}

gboolean
weir_http_request_is_loopback (WeirHttpRequest *self)
{
  return self->loopback;
}

gboolean
weir_http_request_is_secure (WeirHttpRequest *self)
{
  return self->secure;
}

GBytes *
weir_http_request_get_body (WeirHttpRequest *self)
{
  return self->body;
}

void
weir_http_request_take_time (WeirHttpRequest *self)
{
  g_atomic_int_set (&self->takes_time, TRUE);
}

void
weir_http_request_respond (WeirHttpRequest *request, WeirHttpResponse *response)
{
  request->answered (request, response, request->transport);
}

void
weir_http_request_respond_text (WeirHttpRequest *request, guint status, const gchar *text)
{
  WeirHttpResponse *response = weir_http_response_new (status);

  weir_http_response_set_text (response, "text/plain; charset=utf-8", text);
  weir_http_request_respond (request, response);
}

/* Returns: (nullable): @size bytes of @raw percent-decoded, NULL when nobody should see them */
static gchar *
decode (const gchar *raw, gsize size, gboolean plus_is_blank)
{
  g_autoptr (GString) decoded = g_string_sized_new (size);

  for (gsize i = 0; i < size; i++) {
    guchar c = raw[i];

    if (c == ' ')
      return NULL;
    if (c == '%') {
      gint high = -1, low = -1;

      if (size - i > 2) {
        high = g_ascii_xdigit_value (raw[i + 1]);
        low = g_ascii_xdigit_value (raw[i + 2]);
      }
      if (high < 0 || low < 0)
        return NULL;
      c = high << 4 | low;
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    if (c < 0x20 || c == 0x7f)
      return NULL;
    g_string_append_c (decoded, c);
  }
  if (!g_utf8_validate_len (decoded->str, decoded->len, NULL))
    return NULL;
  return g_strdup (decoded->str);
}

static gboolean
has_dot_segment (const gchar *path)
{
  const gchar *segment = path;

  while (segment != NULL) {
    const gchar *next = strchr (segment, '/');
    gsize size = next ? (gsize) (next - segment) : strlen (segment);

    if ((size == 1 && segment[0] == '.') || (size == 2 && strncmp (segment, "..", 2) == 0))
      return TRUE;
    segment = next ? next + 1 : NULL;
  }
  return FALSE;
}

static gboolean
set_query (WeirHttpRequest *self, const gchar *raw)
{
  while (*raw != '\0') {
    gsize size = strcspn (raw, "&");
    const gchar *equals = memchr (raw, '=', size);
    gsize name_size = equals ? (gsize) (equals - raw) : size;
    g_autofree gchar *name = decode (raw, name_size, TRUE);
    g_autofree gchar *value =
        equals ? decode (equals + 1, size - name_size - 1, TRUE) : g_strdup ("");

    if (name == NULL || value == NULL || self->query->len >= WEIR_HTTP_QUERY_MAX)
      return FALSE;
    if (size > 0)
      fields_add (self->query, name, value);
    raw += size;
    if (*raw == '&')
      raw++;
  }
  return TRUE;
}

gboolean
weir_http_request_set_target (WeirHttpRequest *self, const gchar *raw)
{
  g_autofree gchar *path = NULL;
  gsize size;

  if (g_ascii_strncasecmp (raw, "http://", 7) == 0 ||
      g_ascii_strncasecmp (raw, "https://", 8) == 0) {
    const gchar *authority = strstr (raw, "://") + 3;
    gsize authority_size = strcspn (authority, "/?");

    g_free (self->host);
    self->host = g_strndup (authority, authority_size);
    raw = authority + authority_size;
    if (*raw != '/')
      return FALSE;
  }
  if (*raw != '/' || strchr (raw, '#') != NULL)
    return FALSE;

  size = strcspn (raw, "?");
  path = decode (raw, size, FALSE);
  if (path == NULL || has_dot_segment (path))
    return FALSE;
  if (raw[size] == '?' && !set_query (self, raw + size + 1))
    return FALSE;
  g_free (self->path);
  self->path = g_steal_pointer (&path);
  return TRUE;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80"
 * Returns: (nullable) */
static GInetAddress *
parse_address (const gchar *text, gsize size)
{
  g_autofree gchar *copy = NULL;
  gchar *end;

  while (size > 0 && strchr (" \t", text[0]) != NULL) {
    text++;
    size--;
  }
  while (size > 0 && strchr (" \t", text[size - 1]) != NULL)
    size--;
  if (size == 0 || size > 64)
    return NULL;
  copy = g_strndup (text, size);
  if (copy[0] == '[') {
    end = strchr (copy, ']');
    if (end == NULL || (end[1] != '\0' && end[1] != ':'))
      return NULL;
    *end = '\0';
    return g_inet_address_new_from_string (copy + 1);
  }
  end = strchr (copy, ':');
  if (end != NULL && strchr (end + 1, ':') == NULL)
    *end = '\0';
  return g_inet_address_new_from_string (copy);
}

GInetAddress *
weir_http_find_client (const WeirNetworks *trusted, GInetAddress *peer, const gchar *forwarded_for)
{
  g_autoptr (GInetAddress) client = g_object_ref (peer);
  gsize end = forwarded_for != NULL ? strlen (forwarded_for) : 0;

  while (end > 0 && trusted != NULL && weir_networks_contain (trusted, client)) {
    gsize start = end;
    g_autoptr (GInetAddress) before = NULL;

    while (start > 0 && forwarded_for[start - 1] != ',')
      start--;
    before = parse_address (forwarded_for + start, end - start);
    if (before == NULL)
      break;
    g_set_object (&client, before);
    end = start > 0 ? start - 1 : 0;
  }
  return weir_address_unmap (client);
}

gboolean
weir_http_host_is_valid (const gchar *host)
{
  gsize size = strlen (host);

  if (size == 0 || size > 255)
    return FALSE;
  for (gsize i = 0; i < size; i++)
    if (!g_ascii_isalnum (host[i]) && strchr (".:_-[]", host[i]) == NULL)
      return FALSE;
  return TRUE;
}

gboolean
weir_http_is_token (const gchar *text)
{
  if (*text == '\0')
    return FALSE;
  for (; *text != '\0'; text++)
    if (!g_ascii_isalnum (*text) && strchr ("!#$%&'*+-.^_`|~", *text) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
parse_number (const gchar *text, gsize size, guint64 *value)
{
  guint64 result = 0;

  if (size == 0)
    return FALSE;
  for (gsize i = 0; i < size; i++) {
    if (!g_ascii_isdigit (text[i]))
      return FALSE;
    /* what does not fit is beyond any body: as good as the largest number */
    if (!g_uint64_checked_mul (&result, result, 10) ||
        !g_uint64_checked_add (&result, result, text[i] - '0'))
      result = G_MAXUINT64;
  }
  *value = result;
  return TRUE;
}

WeirHttpRange
weir_http_parse_range (const gchar *header, guint64 size, guint64 *offset, guint64 *length)
{
  const gchar *dash;
  gsize text_size;
  guint64 first, last;

  if (header == NULL || g_ascii_strncasecmp (header, "bytes=", 6) != 0)
    return WEIR_HTTP_RANGE_NONE;
  header += 6;
  header += strspn (header, " \t");
  text_size = strlen (header);
  while (text_size > 0 && strchr (" \t", header[text_size - 1]) != NULL)
    text_size--;
  dash = memchr (header, '-', text_size);
  if (dash == NULL)
    return WEIR_HTTP_RANGE_NONE;

  if (dash == header) {
    if (!parse_number (dash + 1, text_size - 1, &last))
      return WEIR_HTTP_RANGE_NONE;
    if (last == 0 || size == 0)
      return WEIR_HTTP_RANGE_UNSATISFIABLE;
    *length = MIN (last, size);
    *offset = size - *length;
    return WEIR_HTTP_RANGE_PARTIAL;
  }
  if (!parse_number (header, dash - header, &first))
    return WEIR_HTTP_RANGE_NONE;
  if (dash == header + text_size - 1)
    last = G_MAXUINT64;
  else if (!parse_number (dash + 1, header + text_size - dash - 1, &last) || last < first)
    return WEIR_HTTP_RANGE_NONE;
  if (first >= size)
    return WEIR_HTTP_RANGE_UNSATISFIABLE;
  *offset = first;
  *length = MIN (last, size - 1) - first + 1;
  return WEIR_HTTP_RANGE_PARTIAL;
}

static const gchar *
strong_part (const gchar *etag)
{
  return strncmp (etag, "W/", 2) == 0 ? etag + 2 : etag;
}

gboolean
weir_http_etag_matches (const gchar *header, const gchar *etag)
{
  g_auto (GStrv) tags = g_strsplit (header, ",", ETAG_LIST_MAX);

  for (guint i = 0; tags[i] != NULL; i++) {
    const gchar *tag = g_strstrip (tags[i]);

    if (strcmp (tag, "*") == 0 || strcmp (strong_part (tag), strong_part (etag)) == 0)
      return TRUE;
  }
  return FALSE;
}

/* responses */

static void
part_clear (gpointer data)
{
  WeirHttpPart *part = data;

  g_clear_pointer (&part->bytes, g_bytes_unref);
  if (part->release != NULL)
    part->release (part->owner);
}

WeirHttpResponse *
weir_http_response_new (guint status)
{
  WeirHttpResponse *self = g_new0 (WeirHttpResponse, 1);

  self->status = status;
  self->headers = fields_new ();
  self->parts = g_array_new (FALSE, FALSE, sizeof (WeirHttpPart));
  g_array_set_clear_func (self->parts, part_clear);
  return self;
}

void
weir_http_response_free (WeirHttpResponse *self)
{
  g_array_unref (self->headers);
  g_array_unref (self->parts);
  if (self->stream != NULL) {
    weir_http_stream_close (self->stream);
    weir_http_stream_unref (self->stream);
  }
  g_free (self);
}

void
weir_http_response_set_header (WeirHttpResponse *self, const gchar *name, const gchar *value)
{
  WeirHttpField *field = fields_find (self->headers, name, FALSE);
  g_autofree gchar *clean = g_strdelimit (g_strdup (value), "\r\n", ' ');

  if (field == NULL) {
    fields_add (self->headers, name, clean);
    return;
  }
  g_free (field->value);
  field->value = g_steal_pointer (&clean);
}

const gchar *
weir_http_response_get_header (WeirHttpResponse *self, const gchar *name)
{
  WeirHttpField *field = fields_find (self->headers, name, FALSE);

  return field ? field->value : NULL;
}

void
weir_http_response_add_bytes (WeirHttpResponse *self, GBytes *bytes)
{
  WeirHttpPart part = {.bytes = g_bytes_ref (bytes), .fd = -1, .size = g_bytes_get_size (bytes)};

  g_array_append_val (self->parts, part);
  self->size += part.size;
}

void
weir_http_response_add_file (WeirHttpResponse *self, gint fd, guint64 offset, guint64 size,
    gpointer owner, GDestroyNotify release)
{
  WeirHttpPart part = {
      .fd = fd, .offset = offset, .size = size, .owner = owner, .release = release};

  g_array_append_val (self->parts, part);
  self->size += size;
}

void
weir_http_response_set_body (WeirHttpResponse *self, const gchar *content_type, GBytes *body)
{
  g_array_set_size (self->parts, 0);
  self->size = 0;
  weir_http_response_set_header (self, "Content-Type", content_type);
  weir_http_response_add_bytes (self, body);
}

void
weir_http_response_set_text (WeirHttpResponse *self, const gchar *content_type, const gchar *text)
{
  g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));

  weir_http_response_set_body (self, content_type, body);
}

WeirHttpStream *
weir_http_response_set_stream (WeirHttpResponse *self, const gchar *content_type,
    const WeirHttpStreamCallbacks *callbacks, gpointer data)
{
  g_array_set_size (self->parts, 0);
  self->size = 0;
  weir_http_response_set_header (self, "Content-Type", content_type);
  weir_http_response_set_header (self, "Cache-Control", "no-store");
  self->stream = weir_http_stream_new (callbacks, data);
  return weir_http_stream_ref (self->stream);
}

static gssize
read_part (const WeirHttpPart *part, guint64 skip, guint8 *data, gsize size)
{
  gssize got;

  size = MIN (size, part->size - skip);
  if (part->bytes != NULL) {
    memcpy (data, (const guint8 *) g_bytes_get_data (part->bytes, NULL) + skip, size);
    return size;
  }
  do
    got = pread (part->fd, data, size, part->offset + skip);
  while (got < 0 && errno == EINTR);
  return got > 0 ? got : -1;
}

gssize
weir_http_response_read (WeirHttpResponse *self, guint64 position, guint8 *data, gsize size)
{
  guint64 start = 0;
  gsize filled = 0;

  for (guint i = 0; i < self->parts->len && filled < size; i++) {
    const WeirHttpPart *part = &g_array_index (self->parts, WeirHttpPart, i);

    while (position + filled < start + part->size && filled < size) {
      gssize got = read_part (part, position + filled - start, data + filled, size - filled);

      if (got < 0)
        return filled > 0 ? (gssize) filled : -1;
      filled += got;
    }
    start += part->size;
  }
  return filled;
}

static gboolean
is_secret (const gchar *text)
{
  for (guint i = 0; i < 65; i++)
    if (i == 32 ? text[i] != 'k' : !g_ascii_isxdigit (text[i]))
      return FALSE;
  return TRUE;
}

gchar *
weir_http_escape_for_log (const gchar *text)
{
  g_autoptr (GString) redacted = g_string_new (NULL);

  for (; *text != '\0' && redacted->len < WEIR_ESCAPE_MAX; text++) {
    if (is_secret (text)) {
      g_string_append (redacted, "(secret)");
      text += 31;
    } else {
      g_string_append_c (redacted, *text);
    }
  }
  return weir_escape_for_log (redacted->str, redacted->len);
}
