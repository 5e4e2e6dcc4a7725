/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "http/http.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* error codes: the hosted product's where it has one for the case, our own from 20000 */
#define WEIR_API_NO_ROUTE 7003
#define WEIR_API_UNAUTHORISED 10000
#define WEIR_API_NOT_FOUND 10003
#define WEIR_API_LIMIT 10005
#define WEIR_API_INVALID 10060
#define WEIR_API_NOT_IMPLEMENTED 20001
#define WEIR_API_HOST_REFUSED 20002
#define WEIR_API_UNAVAILABLE 20003
#define WEIR_API_METHOD_NOT_ALLOWED 20004
#define WEIR_API_INTERNAL 20005

#define WEIR_API_CONFLICT 20007

/* of a message beside a result: RTMPS is off, and how it is switched on */
#define WEIR_API_RTMPS_OFF 20006
/* likewise: what was changed is in force with the next broadcast; what was stored does nothing yet
 */
#define WEIR_API_LATER 20008
#define WEIR_API_NO_EFFECT 20009
#define WEIR_API_MADE_ANEW 20010

/* @result: (transfer full) */
void weir_api_succeed (WeirHttpRequest *request, JsonNode *result);
/* @message: (nullable): for who reads the answer; NULL is weir_api_succeed() */
void weir_api_succeed_with (
    WeirHttpRequest *request, JsonNode *result, gint code, const gchar *message);
/* @messages: (nullable) (transfer none): of weir_api_add_message() */
void weir_api_succeed_with_messages (
    WeirHttpRequest *request, JsonNode *result, JsonArray *messages);
void weir_api_add_message (JsonArray *messages, gint code, const gchar *message);

/* of a list that is told in pages; from 1 on */
#define WEIR_API_PAGE_SIZE_MAX 1000
typedef struct {
  guint page;
  guint per_page;
} WeirApiPage;
/* reads `page` and `per_page` of the query; what is absent is 1 and 20.
 * Returns: FALSE when the request was answered with 400 */
gboolean weir_api_read_page (WeirHttpRequest *request, WeirApiPage *page);
/* @items: (transfer full): an array, all there are: those of @page are told, with result_info */
void weir_api_succeed_with_page (
    WeirHttpRequest *request, JsonNode *items, const WeirApiPage *page);
/* @pointer: (nullable): JSON pointer (RFC 6901) to what is wrong in the request's body */
void weir_api_fail (
    WeirHttpRequest *request, guint status, gint code, const gchar *message, const gchar *pointer);
/* Returns: (transfer full): the same as a response, for those who add headers */
WeirHttpResponse *weir_api_failure (
    guint status, gint code, const gchar *message, const gchar *pointer);

/* Returns: (transfer full): RFC 3339, UTC, microseconds */
gchar *weir_api_format_time (gint64 wall_us);
/* adds a member; a time of 0 is null */
void weir_api_add_time (JsonBuilder *builder, const gchar *name, gint64 wall_us);
/* @value: (nullable) */
void weir_api_add_string (JsonBuilder *builder, const gchar *name, const gchar *value);
void weir_api_add_boolean (JsonBuilder *builder, const gchar *name, gboolean value);
void weir_api_add_int (JsonBuilder *builder, const gchar *name, gint64 value);
/* @text: (nullable): JSON */
void weir_api_add_json (JsonBuilder *builder, const gchar *name, const gchar *text);

G_END_DECLS
