-- How many of our users took part in calls, month by month?
SELECT month, people FROM callhook.users_by_month ORDER BY month;
