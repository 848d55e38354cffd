// The page works without this. It adds what is live, forms that do not load the page anew, an editor for notes, search as you type, and
// the palette.
import { follow } from './live.js';
import { enhance } from './forms.js';
import { edit } from './note.js';
import { palette } from './palette.js';
import { searchAsYouType } from './search.js';
import { zone } from './zone.js';

follow();
enhance();
edit();
palette();
searchAsYouType();
zone();
