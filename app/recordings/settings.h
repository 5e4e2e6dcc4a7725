/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/store.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/*
 * What a broadcast's record says of its recording: name, creator and settings, a JSON object with
 * the members below, each of which may be absent. Pure.
 */
#define WEIR_RECORDING_META "meta"                             /* object */
#define WEIR_RECORDING_ALLOWED_ORIGINS "allowedOrigins"        /* array of strings */
#define WEIR_RECORDING_REQUIRE_SIGNED_URLS "requireSignedURLs" /* boolean */
#define WEIR_RECORDING_THUMBNAIL_PCT "thumbnailTimestampPct"   /* number, 0 to 1 */
#define WEIR_RECORDING_PUBLIC_DETAILS "publicDetails"          /* object */
/* seconds: how long after its end it is deleted, unless a time is set until then */
#define WEIR_RECORDING_DELETE_AFTER "deleteAfterSeconds"

/**
 * weir_recording_describe:
 * @record: with its time of creation
 * @delete_after_us: `recording.delete-after` of the configuration, 0: never
 *
 * A new broadcast takes name, creator and settings from its live input, as they are now. With a
 * name it is called after its beginning too: "Concert 23 Sep 26 05:44 UTC".
 */
void weir_recording_describe (
    WeirBroadcastRecord *record, const WeirLiveInput *input, gint64 delete_after_us);

/* Returns: (transfer full): the settings; empty when they cannot be read */
JsonObject *weir_recording_parse_settings (const gchar *settings);
/* replaces the record's settings, and its name by that of @settings' meta */
void weir_recording_set_settings (WeirBroadcastRecord *record, JsonObject *settings);

G_END_DECLS
