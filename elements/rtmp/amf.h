/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/counters.h"
#include "base/reader.h"
#include "base/writer.h"
#include "rtmp/settings.h"

G_BEGIN_DECLS

/**
 * AMF 0 (Action Message Format, AMF 0 specification of 2007), pure: values of commands and data
 * messages. Nothing is kept between calls; a value may be read by any number of threads.
 *
 * What is as long as the bytes say (strings, lists of members) is allocated so that it may fail;
 * a value itself is small and of fixed size.
 */
typedef enum {
  WEIR_AMF_NUMBER,
  WEIR_AMF_BOOLEAN,
  WEIR_AMF_STRING, /* short, long (2.14), XML document (2.17) */
  WEIR_AMF_OBJECT, /* object (2.5), typed object (2.18) */
  WEIR_AMF_ECMA_ARRAY,
  WEIR_AMF_STRICT_ARRAY,
  WEIR_AMF_NULL,
  WEIR_AMF_UNDEFINED, /* undefined, unsupported, reference (never followed) */
  WEIR_AMF_DATE,
} WeirAmfType;

typedef struct _WeirAmfValue WeirAmfValue;

extern const WeirAmfLimits weir_amf_limits_default;

/**
 * weir_amf_parse:
 * @values_left: (inout): limit shared by the values of one message; start with limits->values_max
 *
 * Reads one value. The count of an ECMA array (2.10) is advisory and ignored; a marker that is not
 * known, a limit or a short read fails (the caller drops the message, not the connection). AMF 3
 * values (marker 0x11) are not parsed: failure.
 *
 * Returns: (transfer full) (nullable): NULL on failure
 */
WeirAmfValue *weir_amf_parse (WeirReader *reader, const WeirAmfLimits *limits, guint *values_left);
/* @limit: (out): set on failure: the static name of the limit or WEIR_OUT_OF_MEMORY; NULL when the
 * bytes are to blame */
WeirAmfValue *weir_amf_parse_full (
    WeirReader *reader, const WeirAmfLimits *limits, guint *values_left, const gchar **limit);
void weir_amf_value_free (WeirAmfValue *self);
WeirAmfType weir_amf_value_get_type (const WeirAmfValue *self);
/* 0.0 when it is no number or not finite; also what boolean and date hold */
gdouble weir_amf_value_get_number (const WeirAmfValue *self);
/* Returns: (transfer none) (nullable): NULL when @self is NULL or no string; NUL-terminated, may
 * hold any bytes; @size: (out) (optional): length, for strings with NULs inside */
const gchar *weir_amf_value_get_string (const WeirAmfValue *self, gsize *size);
/* members of an object or array, in their order; @name: NULL in a strict array */
guint weir_amf_value_get_size (const WeirAmfValue *self);
const WeirAmfValue *weir_amf_value_get_nth (const WeirAmfValue *self, guint n, const gchar **name);
/* Returns: (transfer none) (nullable): the first member of that name, case-sensitive */
const WeirAmfValue *weir_amf_value_get_member (const WeirAmfValue *self, const gchar *name);

void weir_amf_write_number (WeirWriter *writer, gdouble number);
void weir_amf_write_boolean (WeirWriter *writer, gboolean value);
/* a long string beyond 65535 bytes */
void weir_amf_write_string (WeirWriter *writer, const gchar *string);
void weir_amf_write_null (WeirWriter *writer);
void weir_amf_write_undefined (WeirWriter *writer);
void weir_amf_write_object_begin (WeirWriter *writer);
/* a member's name; its value follows */
void weir_amf_write_name (WeirWriter *writer, const gchar *name);
void weir_amf_write_object_end (WeirWriter *writer);
/* @count values follow, nothing after them */
void weir_amf_write_strict_array (WeirWriter *writer, guint32 count);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirAmfValue, weir_amf_value_free)

G_END_DECLS
