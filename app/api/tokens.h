/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/api.h"
#include "api/fields.h"

G_BEGIN_DECLS

/*
 * Tokens that let a viewer in: POST …/stream/{id}/token, {id} a live input or a recording. They are
 * not kept: what is signed says all, and the key is what can be revoked.
 */

/* @rules: (nullable): JSON array as text */
typedef struct {
  gchar *id;         /* (nullable): of the key that signs; NULL: the account's own */
  gchar *pem;        /* (nullable): its private half, with @id */
  gint64 exp, nbf;   /* seconds since 1970; 0: absent */
  gint downloadable; /* -1: absent, 0, 1 */
  gchar *rules;
} WeirViewerToken;

void weir_viewer_token_clear (WeirViewerToken *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirViewerToken, weir_viewer_token_clear)

/**
 * weir_viewer_token_read:
 * @self: starts as {0}
 * @now: seconds since 1970
 *
 * Absent times become an hour from now, and an hour ago. Pure.
 */
gboolean weir_viewer_token_read (
    WeirViewerToken *self, JsonNode *root, gint64 now, WeirFault *fault);
/* Returns: (transfer full): the claims as JSON. @kid: of the key that signs */
gchar *weir_viewer_token_make_claims (
    const WeirViewerToken *self, const gchar *subject, const gchar *kid);

void weir_tokens_add_routes (WeirApi *self, WeirHttpRouter *router);

G_END_DECLS
