// The page works without this. It adds what is live, and forms that do not load the page anew.
import { follow } from './live.js';
import { enhance } from './forms.js';
import { edit } from './note.js';

follow();
enhance();
edit();
