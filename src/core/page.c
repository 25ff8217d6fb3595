#include "core/page.h"
