/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "http/http.h"

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

/**
 * weir_api_succeed_with:
 * @result: JSON
 * @messages: (nullable): of weir_api_add_message(): for who reads the answer
 * @more: (nullable): further members of the envelope, without brackets
 */
void weir_api_succeed_with (
    WeirHttpRequest *request, const gchar *result, const gchar *messages, const gchar *more);
void weir_api_add_message (GString *messages, gint code, const gchar *message);

/* of a list that is told in pages; from 1 on */
#define WEIR_API_PAGE_SIZE_MAX 1000
typedef struct {
  guint page;
  guint per_page;
} WeirApiPage;
/* whether the entry of this number, from 0 on, is told */
gboolean weir_api_page_has (const WeirApiPage *self, guint64 index);
/* Returns: (transfer full): `"result_info":{…}`, a member of the envelope. @total: all there are */
gchar *weir_api_page_describe (const WeirApiPage *self, guint64 total);
/* @pointer: (nullable): JSON pointer (RFC 6901) to what is wrong in the request's body */
void weir_api_fail (
    WeirHttpRequest *request, guint status, gint code, const gchar *message, const gchar *pointer);
/* Returns: (transfer full): the same as a response, for those who add headers */
WeirHttpResponse *weir_api_failure (
    guint status, gint code, const gchar *message, const gchar *pointer);

G_END_DECLS
