/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/jsonguard.h"
#include "api/live_input_json.h"

#define DEPTH 16

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static guint
get_depth (JsonNode *node)
{
  g_autoptr (GList) children = NULL;
  guint depth = 0;

  if (JSON_NODE_HOLDS_OBJECT (node))
    children = json_object_get_values (json_node_get_object (node));
  else if (JSON_NODE_HOLDS_ARRAY (node))
    children = json_array_get_elements (json_node_get_array (node));
  else
    return 0;
  for (GList *child = children; child != NULL; child = child->next)
    depth = MAX (depth, get_depth (child->data));
  return depth + 1;
}

/* what passes is what the parser takes, and as deep as is said; then the bodies of requests */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  gboolean valid = weir_json_check ((const gchar *) data, size, DEPTH, NULL);
  g_autoptr (JsonNode) node = weir_json_parse (bytes, DEPTH, NULL);
  g_autoptr (WeirLiveInput) changed = weir_live_input_new ();
  g_autoptr (WeirLiveInput) imported = NULL;
  g_auto (WeirFault) fault = {0}, import_fault = {0};

  g_assert (valid == (node != NULL));
  if (node != NULL)
    g_assert (get_depth (node) <= DEPTH);
  if (!weir_live_input_from_json (bytes, DEPTH, changed, &fault))
    g_assert (fault.status >= 400 && fault.message != NULL);
  imported = weir_live_input_import_from_json (bytes, DEPTH, &import_fault);
  if (imported == NULL)
    g_assert (import_fault.status >= 400 && import_fault.message != NULL);
  return 0;
}
