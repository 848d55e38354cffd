// The page works without this. It adds what is live, forms that do not load the page anew, search as you type, and the palette.
import { follow } from './live.js';
import { enhance } from './forms.js';
import { palette } from './palette.js';
import { searchAsYouType } from './search.js';
import { zone } from './zone.js';

follow();
enhance();
palette();
searchAsYouType();
zone();
