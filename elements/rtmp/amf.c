/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/amf.h"

#include <math.h>
#include <string.h>

/* AMF 0 specification, 2.1 */
enum {
  MARKER_NUMBER = 0x00,
  MARKER_BOOLEAN = 0x01,
  MARKER_STRING = 0x02,
  MARKER_OBJECT = 0x03,
  MARKER_NULL = 0x05,
  MARKER_UNDEFINED = 0x06,
  MARKER_REFERENCE = 0x07,
  MARKER_ECMA_ARRAY = 0x08,
  MARKER_OBJECT_END = 0x09,
  MARKER_STRICT_ARRAY = 0x0a,
  MARKER_DATE = 0x0b,
  MARKER_LONG_STRING = 0x0c,
  MARKER_UNSUPPORTED = 0x0d,
  MARKER_XML_DOCUMENT = 0x0f,
  MARKER_TYPED_OBJECT = 0x10,
};

typedef struct {
  gchar *name; /* NULL in a strict array */
  WeirAmfValue *value;
} Member;

struct _WeirAmfValue {
  WeirAmfType type;
  gdouble number;
  gchar *string;
  gsize string_size;
  Member *members;
  guint members_count;
  guint members_allocated;
};

const WeirAmfLimits weir_amf_limits_default = {
    .depth_max = 16,
    .values_max = 4096,
};

typedef struct {
  WeirReader *reader;
  const WeirAmfLimits *limits;
  guint *values_left;
  const gchar *limit; /* why it failed, when the bytes are not to blame */
} Parser;

static WeirAmfValue *parse_value (Parser *parser, guint depth);

static WeirAmfValue *
value_new (WeirAmfType type)
{
  WeirAmfValue *self = g_new0 (WeirAmfValue, 1);

  self->type = type;
  return self;
}

/* takes both when it succeeds */
static gboolean
append_member (Parser *parser, WeirAmfValue *self, gchar *name, WeirAmfValue *value)
{
  if (self->members_count == self->members_allocated) {
    guint allocated = MAX (4, self->members_allocated * 2);
    Member *members = g_try_realloc_n (self->members, allocated, sizeof (Member));

    if (members == NULL) {
      parser->limit = WEIR_OUT_OF_MEMORY;
      return FALSE;
    }
    self->members = members;
    self->members_allocated = allocated;
  }
  self->members[self->members_count++] = (Member){.name = name, .value = value};
  return TRUE;
}

/* NULL when fewer than @size bytes are left */
static gchar *
read_string (Parser *parser, gsize size)
{
  const guint8 *bytes = weir_reader_bytes (parser->reader, size);
  gchar *string;

  if (bytes == NULL)
    return NULL;
  string = g_try_malloc (size + 1);
  if (string == NULL) {
    parser->limit = WEIR_OUT_OF_MEMORY;
    return NULL;
  }
  memcpy (string, bytes, size);
  string[size] = '\0';
  return string;
}

static WeirAmfValue *
parse_string (Parser *parser, gsize size)
{
  WeirAmfValue *self;
  gchar *string;

  if (parser->reader->failed)
    return NULL;
  string = read_string (parser, size);
  if (string == NULL)
    return NULL;
  self = value_new (WEIR_AMF_STRING);
  self->string = string;
  self->string_size = size;
  return self;
}

/* the members and the end marker, 2.5 */
static WeirAmfValue *
parse_members (Parser *parser, guint depth, WeirAmfType type)
{
  g_autoptr (WeirAmfValue) self = value_new (type);
  WeirReader *reader = parser->reader;

  for (;;) {
    guint16 name_size = weir_reader_u16 (reader);
    g_autofree gchar *name = NULL;
    g_autoptr (WeirAmfValue) value = NULL;

    if (reader->failed)
      return NULL;
    if (name_size == 0 && weir_reader_remaining (reader) > 0 &&
        reader->data[reader->position] == MARKER_OBJECT_END) {
      weir_reader_skip (reader, 1);
      return g_steal_pointer (&self);
    }
    name = read_string (parser, name_size);
    if (name == NULL)
      return NULL;
    value = parse_value (parser, depth);
    if (value == NULL || !append_member (parser, self, name, value))
      return NULL;
    name = NULL;
    value = NULL;
  }
}

static WeirAmfValue *
parse_strict_array (Parser *parser, guint depth)
{
  g_autoptr (WeirAmfValue) self = value_new (WEIR_AMF_STRICT_ARRAY);
  guint32 count = weir_reader_u32 (parser->reader);

  if (parser->reader->failed)
    return NULL;
  /* nothing is reserved by the count: each element must bring at least its marker */
  for (guint32 i = 0; i < count; i++) {
    g_autoptr (WeirAmfValue) value = parse_value (parser, depth);

    if (value == NULL || !append_member (parser, self, NULL, value))
      return NULL;
    value = NULL;
  }
  return g_steal_pointer (&self);
}

static WeirAmfValue *
parse_container (Parser *parser, guint depth, guint8 marker)
{
  WeirReader *reader = parser->reader;

  if (depth >= parser->limits->depth_max) {
    parser->limit = WEIR_LIMIT_AMF_DEPTH;
    return NULL;
  }
  switch (marker) {
  case MARKER_OBJECT:
    return parse_members (parser, depth + 1, WEIR_AMF_OBJECT);
  case MARKER_TYPED_OBJECT:
    if (!weir_reader_skip (reader, weir_reader_u16 (reader)))
      return NULL;
    return parse_members (parser, depth + 1, WEIR_AMF_OBJECT);
  case MARKER_ECMA_ARRAY:
    if (!weir_reader_skip (reader, 4))
      return NULL;
    return parse_members (parser, depth + 1, WEIR_AMF_ECMA_ARRAY);
  default:
    return parse_strict_array (parser, depth + 1);
  }
}

static WeirAmfValue *
parse_number (Parser *parser, WeirAmfType type, gdouble number)
{
  WeirAmfValue *self;

  if (parser->reader->failed)
    return NULL;
  self = value_new (type);
  self->number = isfinite (number) ? number : 0.0;
  return self;
}

static WeirAmfValue *
parse_value (Parser *parser, guint depth)
{
  WeirReader *reader = parser->reader;
  guint8 marker = weir_reader_u8 (reader);
  gdouble number;

  if (reader->failed)
    return NULL;
  if (*parser->values_left == 0) {
    parser->limit = WEIR_LIMIT_AMF_VALUES;
    return NULL;
  }
  *parser->values_left -= 1;

  switch (marker) {
  case MARKER_NUMBER:
    return parse_number (parser, WEIR_AMF_NUMBER, weir_reader_double (reader));
  case MARKER_BOOLEAN:
    return parse_number (parser, WEIR_AMF_BOOLEAN, weir_reader_u8 (reader) != 0);
  case MARKER_DATE:
    number = weir_reader_double (reader);
    weir_reader_skip (reader, 2); /* time zone: reserved, 2.13 */
    return parse_number (parser, WEIR_AMF_DATE, number);
  case MARKER_STRING:
    return parse_string (parser, weir_reader_u16 (reader));
  case MARKER_LONG_STRING:
  case MARKER_XML_DOCUMENT:
    return parse_string (parser, weir_reader_u32 (reader));
  case MARKER_NULL:
    return value_new (WEIR_AMF_NULL);
  case MARKER_UNDEFINED:
  case MARKER_UNSUPPORTED:
    return value_new (WEIR_AMF_UNDEFINED);
  case MARKER_REFERENCE:
    /* never followed: a reference may point at its own container */
    return weir_reader_skip (reader, 2) ? value_new (WEIR_AMF_UNDEFINED) : NULL;
  case MARKER_OBJECT:
  case MARKER_TYPED_OBJECT:
  case MARKER_ECMA_ARRAY:
  case MARKER_STRICT_ARRAY:
    return parse_container (parser, depth, marker);
  default:
    return NULL;
  }
}

WeirAmfValue *
weir_amf_parse_full (
    WeirReader *reader, const WeirAmfLimits *limits, guint *values_left, const gchar **limit)
{
  Parser parser = {reader, limits, values_left, NULL};
  WeirAmfValue *value = parse_value (&parser, 0);

  if (value == NULL)
    *limit = parser.limit;
  return value;
}

WeirAmfValue *
weir_amf_parse (WeirReader *reader, const WeirAmfLimits *limits, guint *values_left)
{
  const gchar *limit;

  return weir_amf_parse_full (reader, limits, values_left, &limit);
}

void
weir_amf_value_free (WeirAmfValue *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->members_count; i++) {
    g_free (self->members[i].name);
    weir_amf_value_free (self->members[i].value);
  }
  g_free (self->members);
  g_free (self->string);
  g_free (self);
}

WeirAmfType
weir_amf_value_get_type (const WeirAmfValue *self)
{
  return self->type;
}

gdouble
weir_amf_value_get_number (const WeirAmfValue *self)
{
  return self != NULL ? self->number : 0.0;
}

const gchar *
weir_amf_value_get_string (const WeirAmfValue *self, gsize *size)
{
  if (self == NULL || self->type != WEIR_AMF_STRING)
    return NULL;
  if (size != NULL)
    *size = self->string_size;
  return self->string;
}

guint
weir_amf_value_get_size (const WeirAmfValue *self)
{
  return self != NULL ? self->members_count : 0;
}

const WeirAmfValue *
weir_amf_value_get_nth (const WeirAmfValue *self, guint n, const gchar **name)
{
  if (self == NULL || n >= self->members_count)
    return NULL;
  if (name != NULL)
    *name = self->members[n].name;
  return self->members[n].value;
}

const WeirAmfValue *
weir_amf_value_get_member (const WeirAmfValue *self, const gchar *name)
{
  if (self == NULL)
    return NULL;
  for (guint i = 0; i < self->members_count; i++) {
    if (g_strcmp0 (self->members[i].name, name) == 0)
      return self->members[i].value;
  }
  return NULL;
}

void
weir_amf_write_number (WeirWriter *writer, gdouble number)
{
  weir_writer_u8 (writer, MARKER_NUMBER);
  weir_writer_double (writer, number);
}

void
weir_amf_write_boolean (WeirWriter *writer, gboolean value)
{
  weir_writer_u8 (writer, MARKER_BOOLEAN);
  weir_writer_u8 (writer, value ? 1 : 0);
}

void
weir_amf_write_string (WeirWriter *writer, const gchar *string)
{
  gsize size = strlen (string);

  if (size <= G_MAXUINT16) {
    weir_writer_u8 (writer, MARKER_STRING);
    weir_writer_u16 (writer, (guint16) size);
  } else {
    weir_writer_u8 (writer, MARKER_LONG_STRING);
    weir_writer_u32 (writer, (guint32) size);
  }
  weir_writer_bytes (writer, string, size);
}

void
weir_amf_write_null (WeirWriter *writer)
{
  weir_writer_u8 (writer, MARKER_NULL);
}

void
weir_amf_write_undefined (WeirWriter *writer)
{
  weir_writer_u8 (writer, MARKER_UNDEFINED);
}

void
weir_amf_write_object_begin (WeirWriter *writer)
{
  weir_writer_u8 (writer, MARKER_OBJECT);
}

void
weir_amf_write_name (WeirWriter *writer, const gchar *name)
{
  gsize size = strlen (name);

  g_assert (size > 0 && size <= G_MAXUINT16);
  weir_writer_u16 (writer, (guint16) size);
  weir_writer_bytes (writer, name, size);
}

void
weir_amf_write_object_end (WeirWriter *writer)
{
  weir_writer_u16 (writer, 0);
  weir_writer_u8 (writer, MARKER_OBJECT_END);
}

void
weir_amf_write_strict_array (WeirWriter *writer, guint32 count)
{
  weir_writer_u8 (writer, MARKER_STRICT_ARRAY);
  weir_writer_u32 (writer, count);
}
