/*
 * recipes.h - extraction schemas by name: a tenant's own, and those that ship with the server
 * (http-api.md section 14).
 */
#ifndef MANTIS_API_RECIPES_H
#define MANTIS_API_RECIPES_H

#include "api/request.h"

/* 1..64 of [A-Za-z0-9_-], not starting with '-'. E_INVALID. */
int recipe_check_name(const char *name, struct err *err) MUST_CHECK;

/* What is said when it is written, so that no run finds a broken one. E_INVALID names the field. */
int recipe_check_schema(const json_t *schema, struct err *err) MUST_CHECK;

/* The tenant's, else the shipped one; in pool. E_INVALID for the name; E_NOT_FOUND. */
int recipe_find(struct api *api, struct pool *pool, const char *tenant, const char *name,
                json_t **ret_schema, struct err *err) MUST_CHECK;

#endif
