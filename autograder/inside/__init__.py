"""What runs in the student's process. Nothing here knows an answer or imports the rest of ours."""
