// The page works without this. It adds what is live, and forms that do not load the page anew.
import { follow } from './live.js';
import { enhance } from './forms.js';

follow();
enhance();
