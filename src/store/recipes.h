/*
 * recipes.h - a tenant's own extraction schemas by name (http-api.md section 14). Shipped ones are
 * files and not in here.
 */
#ifndef MANTIS_STORE_RECIPES_H
#define MANTIS_STORE_RECIPES_H

#include "store/store.h"

int store_recipe_put(struct store *store, const char *tenant, const char *name, const json_t *schema,
                     struct err *err) MUST_CHECK; /* overwrites. E_CONFLICT over CAP_RECIPES of them */
int store_recipe_get(struct store *store, struct pool *pool, const char *tenant, const char *name,
                     json_t **ret_schema, struct err *err) MUST_CHECK; /* E_NOT_FOUND */
/* Sorted array of names, in pool. */
int store_recipe_list(struct store *store, struct pool *pool, const char *tenant, json_t **ret_names,
                      struct err *err) MUST_CHECK;
int store_recipe_delete(struct store *store, const char *tenant, const char *name, bool *ret_deleted,
                        struct err *err) MUST_CHECK;

#endif
