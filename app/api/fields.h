/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/envelope.h"
#include "base/counters.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * The fields of the JSON that comes with a request, read strictly: what is unknown, misplaced, of a
 * wrong type or out of range is refused with 400 and pointed at (RFC 6901); what the hosted product
 * documents and Weir does not have is refused by name with 501.
 *
 * A resource has a table of its fields, each with a function that reads it:
 *
 *   static const WeirField fields[] = {
 *       {"enabled", read_enabled, NULL},
 *       {"watermark", NULL, "There are no watermarks"},
 *       {NULL},
 *   };
 *   root = weir_fields_parse (body, depth_max, &fault);
 *   if (root == NULL || !weir_fields_read (root, "", fields, "a thing", thing, &fault)) {
 *     weir_fault_answer (&fault, request, counters);
 *     return;
 *   }
 *
 * All of it is pure but for weir_fault_answer(). Nothing is written to a value that is refused.
 */

/**
 * WeirFault: why a body is refused; starts as {0}
 *
 * @limit: (nullable): static name of the limit that was reached
 */
typedef struct {
  guint status;
  gint code;
  gchar *message;
  gchar *pointer; /* (nullable) */
  const gchar *limit;
} WeirFault;

void weir_fault_clear (WeirFault *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirFault, weir_fault_clear)

/* all of them return FALSE, to be returned. The first fault stays, later ones are not taken. */
gboolean weir_fault_set (WeirFault *self, guint status, gint code, const gchar *pointer,
    const gchar *format, ...) G_GNUC_PRINTF (5, 6);
/* 400, code 10060 */
gboolean weir_fault_refuse (WeirFault *self, const gchar *pointer, const gchar *message);
/* 501, code 20001: documented by the hosted product, but not there */
gboolean weir_fault_refuse_as_missing (WeirFault *self, const gchar *pointer, const gchar *message);

/* the fault as the answer. @request: (transfer full); @counters: (nullable): counts its limit */
void weir_fault_answer (const WeirFault *self, WeirHttpRequest *request, WeirCounters *counters);

/**
 * WeirField: one field of an object
 *
 * @read: looks at @node and keeps its value in @data, or sets @fault and returns FALSE;
 *   NULL: the field is known, but refused
 * @missing: of a field without @read: why
 */
typedef gboolean (*WeirFieldRead) (
    JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault);
typedef struct {
  const gchar *name; /* NULL ends a table */
  WeirFieldRead read;
  const gchar *missing;
} WeirField;

/**
 * weir_fields_parse:
 * @body: (nullable): NULL or empty is an empty object
 * @depth_max: see weir_json_check()
 *
 * Returns: (transfer full) (nullable): NULL with a fault
 */
JsonNode *weir_fields_parse (GBytes *body, guint depth_max, WeirFault *fault);
/**
 * weir_fields_read:
 * @pointer: of @node, "" of the root
 * @what: "a live input": what the fields are of
 *
 * Reads every member of the object @node.
 */
gboolean weir_fields_read (JsonNode *node, const gchar *pointer, const WeirField *fields,
    const gchar *what, gpointer data, WeirFault *fault);
/* Returns: (transfer full): @prefix and one more reference token, escaped */
gchar *weir_fields_make_pointer (const gchar *prefix, const gchar *name);

/* ---- values; @value is untouched on failure ---- */

gboolean weir_field_is_boolean (JsonNode *node);
gboolean weir_field_is_string (JsonNode *node);
gboolean weir_field_read_boolean (
    JsonNode *node, const gchar *pointer, gboolean *value, WeirFault *fault);
/* a whole number; null is 0 */
gboolean weir_field_read_number (JsonNode *node, const gchar *pointer, gint64 minimum,
    gint64 maximum, gint64 *value, WeirFault *fault);
/* whole or not; no null */
gboolean weir_field_read_double (JsonNode *node, const gchar *pointer, gdouble minimum,
    gdouble maximum, gdouble *value, WeirFault *fault);
/* @value: (inout) (transfer full): a string of @size_min to @size_max bytes */
gboolean weir_field_read_string (JsonNode *node, const gchar *pointer, gsize size_min,
    gsize size_max, gchar **value, WeirFault *fault);
/* the same, null is NULL */
gboolean weir_field_read_nullable_string (JsonNode *node, const gchar *pointer, gsize size_min,
    gsize size_max, gchar **value, WeirFault *fault);
/* @choices: at most 32, NULL ends. @value: (out): index into @choices */
gboolean weir_field_read_choice (JsonNode *node, const gchar *pointer, const gchar *const *choices,
    guint *value, WeirFault *fault);
/* RFC 3339 with a zone; null is 0. @value: (out): microseconds, wall */
gboolean weir_field_read_time (
    JsonNode *node, const gchar *pointer, gint64 *value, WeirFault *fault);
/* @value: (inout) (transfer full): the object as text */
gboolean weir_field_read_object (
    JsonNode *node, const gchar *pointer, gchar **value, WeirFault *fault);
/* @value: (inout) (transfer full): an array of strings as text: at most @length_max, each of 1 to
 * @size_max bytes */
gboolean weir_field_read_strings (JsonNode *node, const gchar *pointer, guint length_max,
    gsize size_max, gchar **value, WeirFault *fault);
/* allowedOrigins: host names without scheme and path, as JSON text; null is NULL */
gboolean weir_field_read_origins (
    JsonNode *node, const gchar *pointer, gchar **value, WeirFault *fault);

/* ---- parameters of lists; what is not there leaves @value as it is; a fault points at it ---- */

#define WEIR_QUERY_LIMIT_MAX 1000

gboolean weir_query_read_boolean (
    WeirHttpRequest *request, const gchar *name, gboolean *value, WeirFault *fault);
/* wall, µs; @name, @other: two names of one parameter, the first goes before */
gboolean weir_query_read_time (WeirHttpRequest *request, const gchar *name, const gchar *other,
    gint64 *value, WeirFault *fault);
/* `limit`, from 1 to %WEIR_QUERY_LIMIT_MAX. @limit_default: when it is not there */
gboolean weir_query_read_limit (
    WeirHttpRequest *request, guint limit_default, guint *limit, WeirFault *fault);
/* `page` and `per_page`: 1 and 20 when they are not there */
gboolean weir_query_read_page (WeirHttpRequest *request, WeirApiPage *page, WeirFault *fault);

G_END_DECLS
